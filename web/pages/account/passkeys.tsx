// The passkeys that open the account.

import { useState } from "preact/hooks";
import type { PasskeyInfo } from "../../../protocol/sign-in/api.ts";
import { api } from "../../api.ts";
import { useLoad } from "../../load.ts";
import { Loading } from "../../parts/busy.tsx";
import { Confirm, Dialog } from "../../parts/dialog.tsx";
import { Form, TextField } from "../../parts/form.tsx";
import { Table } from "../../parts/table.tsx";
import { addPasskey, hasPasskeys } from "../../sign-in/passkeys.ts";
import { Time } from "../../time.tsx";
import { t } from "../../words.ts";

export function Passkeys() {
  const passkeys = useLoad((signal) => api.get<PasskeyInfo[]>("/passkeys", { signal }), []);
  const [adding, setAdding] = useState(false);
  const [removing, setRemoving] = useState<PasskeyInfo>();
  return (
    <section class="panel">
      <div class="panel-head">
        <h2>{t("Passkeys")}</h2>
        {hasPasskeys() && (
          <button type="button" onClick={() => setAdding(true)}>
            {t("Add a passkey")}
          </button>
        )}
      </div>
      <p class="muted">{t("A passkey signs you in here with this device's lock or a security key.")}</p>
      <Loading of={passkeys}>
        {(list) => (
          <Table
            caption={t("Passkeys")}
            hideCaption
            rows={list}
            rowKey={({ id }) => id}
            empty={<p>{t("You have no passkey.")}</p>}
            columns={[
              { title: t("Title"), kind: "main", cell: ({ title }) => title },
              { title: t("Added"), cell: ({ createdAt }) => <Time at={createdAt} /> },
              { title: t("Last used"), cell: ({ lastUsedAt }) => <Time at={lastUsedAt} /> },
              {
                title: t("Actions"),
                kind: "actions",
                cell: (passkey) => (
                  <button
                    type="button"
                    aria-label={t("Remove {0}", passkey.title)}
                    onClick={() => setRemoving(passkey)}
                  >
                    {t("Remove")}
                  </button>
                ),
              },
            ]}
          />
        )}
      </Loading>
      {adding && <AddPasskey onAdded={passkeys.reload} onClose={() => setAdding(false)} />}
      {removing !== undefined && (
        <Confirm
          title={t("Remove {0}", removing.title)}
          action={t("Remove")}
          danger
          onConfirm={async () => {
            await api.delete(`/passkeys/${removing.id}`);
            passkeys.reload();
          }}
          onClose={() => setRemoving(undefined)}
        >
          <p>
            {t(
              "It no longer signs you in. Your device may still show it, and can forget it in its settings.",
            )}
          </p>
        </Confirm>
      )}
    </section>
  );
}

function AddPasskey({ onAdded, onClose }: { readonly onAdded: () => void; readonly onClose: () => void }) {
  const [title, setTitle] = useState("");
  return (
    <Dialog title={t("Add a passkey")} onClose={onClose}>
      <Form
        submit={t("Add")}
        onCancel={onClose}
        onSubmit={async () => {
          await addPasskey(title.trim());
          onAdded();
          onClose();
        }}
      >
        <TextField
          label={t("Title")}
          name="title"
          maxLength={100}
          hint={t("By which you know it later, such as the device that keeps it.")}
          value={title}
          onInput={setTitle}
        />
      </Form>
    </Dialog>
  );
}
