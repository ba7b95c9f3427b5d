// With which accounts the owner shares a workspace, and until when.

import { useState } from "preact/hooks";
import type { Share, Workspace } from "../../../../protocol/api.ts";
import { api } from "../../../api.ts";
import { useLoad } from "../../../load.ts";
import { Badge } from "../../../parts/badge.tsx";
import { Loading } from "../../../parts/busy.tsx";
import { Dialog } from "../../../parts/dialog.tsx";
import { Form, SelectField, TextField } from "../../../parts/form.tsx";
import { announce } from "../../../parts/live-region.tsx";
import { type Column, Table } from "../../../parts/table.tsx";
import { duration, Time } from "../../../time.tsx";
import { t } from "../../../words.ts";
import { TakeBack } from "./take-back.tsx";

export function Sharing({ workspace }: { readonly workspace: Workspace }) {
  const { id, name } = workspace;
  const shares = useLoad((signal) => api.get<Share[]>(`/workspaces/${id}/shares`, { signal }), [workspace]);
  const [isAdding, setAdding] = useState(false);
  const [ending, setEnding] = useState<string>();
  const columns: Column<Share>[] = [
    { title: t("Account"), kind: "main", cell: ({ account }) => account },
    {
      title: t("State"),
      cell: ({ pending }) =>
        pending === true ? (
          <Badge tone="neutral">{t("Not accepted yet")}</Badge>
        ) : (
          <Badge tone="good">{t("Has access")}</Badge>
        ),
    },
    {
      title: t("Until"),
      cell: ({ expiresAt = null }) => <Time at={expiresAt} never={t("you take it back")} />,
    },
    {
      title: t("Actions"),
      kind: "actions",
      cell: ({ account }) => (
        <button type="button" onClick={() => setEnding(account)}>
          {t("Take back")}
        </button>
      ),
    },
  ];
  return (
    <section class="panel" aria-labelledby="sharing">
      <div class="panel-head">
        <h2 id="sharing">{t("Shared with")}</h2>
        <button type="button" onClick={() => setAdding(true)}>
          {t("Share with an account")}
        </button>
      </div>
      <Loading of={shares}>
        {(list) => (
          <Table
            caption={t("Shared with")}
            hideCaption
            columns={columns}
            rows={list}
            rowKey={({ account }) => account}
            empty={<p class="muted">{t("Only you reach this workspace.")}</p>}
          />
        )}
      </Loading>
      {isAdding && (
        <AddShare id={id} name={name} onClose={() => setAdding(false)} onAdded={() => shares.reload()} />
      )}
      {ending !== undefined && (
        <TakeBack
          id={id}
          name={name}
          account={ending}
          onClose={() => setEnding(undefined)}
          onDone={() => shares.reload()}
        />
      )}
    </section>
  );
}

const DAYS = ["", "1", "7", "30"] as const;

interface AddShareProps {
  readonly id: string;
  readonly name: string;
  readonly onClose: () => void;
  readonly onAdded: () => void;
}

function AddShare({ id, name, onClose, onAdded }: AddShareProps) {
  const [account, setAccount] = useState("");
  const [days, setDays] = useState<(typeof DAYS)[number]>("");
  const add = async (): Promise<void> => {
    const expiresAt = days === "" ? null : new Date(Date.now() + Number(days) * 86_400_000).toISOString();
    await api.post(`/workspaces/${id}/shares`, { account, expiresAt });
    announce(t("Offered to {0}.", account));
    onAdded();
    onClose();
  };
  return (
    <Dialog title={t("Share {0}", name)} onClose={onClose}>
      <p>
        {t("The account can open the workspace and do there what you can, once it has accepted the offer.")}
      </p>
      <Form submit={t("Share")} disabled={account === ""} onSubmit={add} onCancel={onClose}>
        <TextField
          label={t("Account")}
          name="account"
          value={account}
          onInput={(text) => setAccount(text.trim().toLowerCase())}
          maxLength={40}
          code
          autofocus
        />
        <SelectField
          label={t("Until")}
          name="expiresAt"
          value={days}
          options={DAYS.map((value) => ({
            value,
            text: value === "" ? t("I take it back") : t("In {0}", duration(Number(value) * 86_400)),
          }))}
          onChange={setDays}
        />
      </Form>
    </Dialog>
  );
}
