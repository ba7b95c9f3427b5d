// Connects with nothing but ssh, by a key of the account.

import type { Key } from "../../../../protocol/api.ts";
import { PAGES } from "../../../../protocol/sign-in/pages.ts";
import { api } from "../../../api.ts";
import { useLoad } from "../../../load.ts";
import { Loading } from "../../../parts/busy.tsx";
import { CopyField } from "../../../parts/copy.tsx";
import { Link } from "../../../parts/link.tsx";
import { Notice } from "../../../parts/notice.tsx";
import { t } from "../../../words.ts";
import { refOf } from "../workspace-ref.ts";
import { jumpCommand, knownHostsLine, type Ssh, sshCommand } from "./addresses.ts";
import type { WayProps } from "./way.ts";

export function SshByKey({ workspace, gateway, ssh }: WayProps & { readonly ssh: Ssh }) {
  const keys = useLoad((signal) => api.get<Key[]>("/keys", { signal }), []);
  const ref = refOf(workspace);
  return (
    <>
      <CopyField label={t("End to end: the gateway can't read it")} value={jumpCommand(ssh, ref)} />
      {!workspace.endToEndOnly && (
        <CopyField label={t("By the gateway, which connects you on")} value={sshCommand(ssh, ref)} />
      )}
      <h3>{t("Keys of yours that open it")}</h3>
      <Loading of={keys}>{(list) => <Opening keys={list.filter(({ frozen }) => frozen !== true)} />}</Loading>
      <details>
        <summary>{t("The gateway's host keys, for known_hosts")}</summary>
        <div class="stack">
          {gateway.hostKeys.map((key) => (
            <CopyField key={key} label={key.split(" ", 1).join()} value={knownHostsLine(ssh, key)} />
          ))}
        </div>
      </details>
    </>
  );
}

function Opening({ keys }: { readonly keys: readonly Key[] }) {
  if (keys.length === 0) {
    return (
      <Notice tone="warning" title={t("You have no key here yet.")}>
        <Link to={PAGES.keys}>{t("Add an SSH key")}</Link>
      </Notice>
    );
  }
  return (
    <>
      <ul class="plain stack">
        {keys.map(({ id, title, fingerprint }) => (
          <li key={id}>
            <bdi>{title}</bdi> <span class="code muted wrap">{fingerprint}</span>
          </li>
        ))}
      </ul>
      <p class="muted">{t("The machine's owner can set it to take other keys, or none of the account.")}</p>
    </>
  );
}
