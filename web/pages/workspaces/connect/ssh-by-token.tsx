// Connects with nothing but ssh and a password that expires: an owner token, which opens this one workspace.

import { useState } from "preact/hooks";
import type { CreatedOwnerToken, OwnerTokenInfo, Workspace } from "../../../../protocol/api.ts";
import { api } from "../../../api.ts";
import { useLoad } from "../../../load.ts";
import { Loading } from "../../../parts/busy.tsx";
import { CopyField, SecretOnce } from "../../../parts/copy.tsx";
import { Confirm } from "../../../parts/dialog.tsx";
import { Form, SelectField } from "../../../parts/form.tsx";
import { announce } from "../../../parts/live-region.tsx";
import { Notice } from "../../../parts/notice.tsx";
import { type Column, Table } from "../../../parts/table.tsx";
import { duration, Time } from "../../../time.tsx";
import { t } from "../../../words.ts";
import { type Ssh, sshCommand } from "./addresses.ts";

const HOUR = 3_600;
const LIFETIMES = ["1", "12", "72", "720"] as const;

export function SshByToken({ workspace, ssh }: { readonly workspace: Workspace; readonly ssh: Ssh }) {
  const path = `/workspaces/${workspace.id}/owner-tokens`;
  const tokens = useLoad((signal) => api.get<OwnerTokenInfo[]>(path, { signal }), [path]);
  const [hours, setHours] = useState<(typeof LIFETIMES)[number]>("12");
  const [made, setMade] = useState<string | undefined>(undefined);
  const [ending, setEnding] = useState<OwnerTokenInfo | undefined>(undefined);
  const mint = async (): Promise<void> => {
    const { token } = await api.post<CreatedOwnerToken>(path, { expiresIn: Number(hours) * HOUR });
    setMade(token);
    tokens.reload();
  };
  const columns: readonly Column<OwnerTokenInfo>[] = [
    { title: t("Created"), kind: "main", cell: ({ createdAt }) => <Time at={createdAt} /> },
    { title: t("Expires"), cell: ({ expiresAt }) => <Time at={expiresAt} /> },
    { title: t("Last used"), cell: ({ lastUsedAt }) => <Time at={lastUsedAt} /> },
    {
      title: t("Actions"),
      kind: "actions",
      cell: (token) => (
        <button type="button" onClick={() => setEnding(token)}>
          {t("Revoke")}
        </button>
      ),
    },
  ];
  return (
    <>
      <p>
        {t(
          "A password for this workspace alone. Everyone who has it can open the workspace until it expires.",
        )}
      </p>
      {made === undefined ? (
        <Form submit={t("Create an owner token")} onSubmit={mint}>
          <SelectField
            label={t("Valid for")}
            value={hours}
            options={LIFETIMES.map((value) => ({ value, text: duration(Number(value) * HOUR) }))}
            onChange={setHours}
          />
        </Form>
      ) : (
        <Made token={made} name={workspace.name} ssh={ssh} onStored={() => setMade(undefined)} />
      )}
      <Loading of={tokens}>
        {(list) => (
          <Table
            caption={t("Owner tokens that open it")}
            columns={columns}
            rows={list}
            rowKey={({ id }) => id}
            empty={<p class="muted">{t("No owner token opens it now.")}</p>}
          />
        )}
      </Loading>
      {ending !== undefined && (
        <Confirm
          title={t("Revoke the owner token?")}
          action={t("Revoke")}
          danger
          onClose={() => setEnding(undefined)}
          onConfirm={async () => {
            await api.delete(`${path}/${ending.id}`);
            announce(t("Revoked."));
            tokens.reload();
          }}
        >
          <p>{t("Connections that it opened end at once.")}</p>
        </Confirm>
      )}
    </>
  );
}

interface MadeProps {
  readonly token: string;
  readonly name: string;
  readonly ssh: Ssh;
  readonly onStored: () => void;
}

function Made({ token, name, ssh, onStored }: MadeProps) {
  return (
    <>
      <CopyField label={t("Run this, and paste the token as the password")} value={sshCommand(ssh, name)} />
      <SecretOnce label={t("Owner token")} secret={token} onStored={onStored} />
      <details>
        <summary>{t("In one line, without a prompt")}</summary>
        <div class="stack">
          <Notice tone="warning">
            {t("Others on the machine see this line while it runs, and it stays in the shell's history.")}
          </Notice>
          <CopyField label={t("Command with the token")} value={sshCommand(ssh, `${name}#${token}`)} />
        </div>
      </details>
    </>
  );
}
