// What changes a workspace for everybody: its name, freezing it, its end. People whom it is shared with can leave it.

import { useState } from "preact/hooks";
import type { Workspace } from "../../../../protocol/api.ts";
import { PAGES } from "../../../../protocol/sign-in/pages.ts";
import { api } from "../../../api.ts";
import { useAction } from "../../../load.ts";
import { Confirm, ConfirmByName, Dialog } from "../../../parts/dialog.tsx";
import { Form, TextField } from "../../../parts/form.tsx";
import { announce } from "../../../parts/live-region.tsx";
import { ErrorNotice } from "../../../parts/notice.tsx";
import { go } from "../../../router.ts";
import { t } from "../../../words.ts";
import { pathOf } from "../workspace-ref.ts";

type Question = "rename" | "freeze" | "delete" | "leave";

export function Danger({ workspace }: { readonly workspace: Workspace }) {
  const { id, name, owner, mine, frozen = false } = workspace;
  const [question, ask] = useState<Question>();
  const close = (): void => ask(undefined);
  const unfreeze = useAction(async () => {
    await api.post(`/workspaces/${id}/unfreeze`);
    announce(t("{0} can be reached again.", name));
  });
  return (
    <section class="panel danger-zone" aria-labelledby="danger">
      <h2 id="danger">{mine ? t("Rename, freeze or delete") : t("Leave this workspace")}</h2>
      <ErrorNotice error={unfreeze.error} />
      <div class="actions">
        {mine ? (
          <>
            <button type="button" onClick={() => ask("rename")}>
              {t("Rename")}
            </button>
            {frozen ? (
              <button type="button" disabled={unfreeze.busy} onClick={() => void unfreeze.run()}>
                {t("Unfreeze")}
              </button>
            ) : (
              <button type="button" onClick={() => ask("freeze")}>
                {t("Freeze")}
              </button>
            )}
            <button type="button" class="danger" onClick={() => ask("delete")}>
              {t("Delete")}
            </button>
          </>
        ) : (
          <button type="button" class="danger" onClick={() => ask("leave")}>
            {t("Leave")}
          </button>
        )}
      </div>
      {question === "rename" && <Rename workspace={workspace} onClose={close} />}
      {question === "freeze" && (
        <Confirm
          title={t("Freeze {0}?", name)}
          action={t("Freeze")}
          danger
          onClose={close}
          onConfirm={async () => {
            await api.post(`/workspaces/${id}/freeze`);
            announce(t("{0} is frozen.", name));
          }}
        >
          <p>{t("Its host and everybody who is connected are cut off at once, until you unfreeze it.")}</p>
        </Confirm>
      )}
      {question === "delete" && (
        <ConfirmByName
          title={t("Delete {0}?", name)}
          name={name}
          action={t("Delete")}
          onClose={close}
          onConfirm={async () => {
            await api.delete(`/workspaces/${id}`);
            announce(t("{0} is deleted.", name));
            go(PAGES.workspaces);
          }}
        >
          <p>
            {t("All connections, shares and owner tokens of it end at once, and its host is shut out.")}{" "}
            {t("Files on the machine stay as they are. Connected now: {0}", workspace.clients)}
          </p>
        </ConfirmByName>
      )}
      {question === "leave" && (
        <Confirm
          title={t("Leave {0}?", name)}
          action={t("Leave")}
          danger
          onClose={close}
          onConfirm={async () => {
            await api.delete(`/shares/${id}`);
            announce(t("{0} is no longer in your list.", name));
            go(PAGES.workspaces);
          }}
        >
          <p>{t("What you have open there ends at once. Only {0} can share it with you again.", owner)}</p>
        </Confirm>
      )}
    </section>
  );
}

function Rename({ workspace, onClose }: { readonly workspace: Workspace; readonly onClose: () => void }) {
  const [name, setName] = useState<string>(workspace.name);
  const rename = async (): Promise<void> => {
    const renamed = await api.patch<Workspace>(`/workspaces/${workspace.id}`, { name });
    onClose();
    announce(t("It is {0} now.", name));
    go(pathOf(renamed), "replace");
  };
  return (
    <Dialog title={t("Rename {0}", workspace.name)} onClose={onClose}>
      <p>{t("Open connections stay. Commands and links with the old name no longer lead here.")}</p>
      <Form
        submit={t("Rename")}
        disabled={name === "" || name === workspace.name}
        onSubmit={rename}
        onCancel={onClose}
      >
        <TextField
          label={t("New name")}
          name="name"
          value={name}
          onInput={(text) => setName(text.trim().toLowerCase())}
          maxLength={40}
          code
          autofocus
          hint={t("1 to 40 characters: a-z, 0-9 and hyphens, with no hyphen at the start or the end.")}
        />
      </Form>
    </Dialog>
  );
}
