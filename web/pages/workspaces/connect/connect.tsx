// The ways to connect to a workspace, as tabs. A way that this gateway or this workspace does not have is not shown.

import type { Workspace } from "../../../../protocol/api.ts";
import { discover } from "../../../discovery.ts";
import { useLoad } from "../../../load.ts";
import { Loading } from "../../../parts/busy.tsx";
import { Tabs } from "../../../parts/tabs.tsx";
import { here, setQuery } from "../../../router.ts";
import { t } from "../../../words.ts";
import { CommandLine } from "./command-line.tsx";
import { EditorLink } from "./editor-link.tsx";
import { SshByKey } from "./ssh-by-key.tsx";
import { SshByToken } from "./ssh-by-token.tsx";
import type { WayProps } from "./way.ts";

export function Connect({ workspace }: { readonly workspace: Workspace }) {
  const gateway = useLoad(() => discover(), []);
  return (
    <section class="panel" aria-labelledby="connect">
      <h2 id="connect">{t("Connect")}</h2>
      <Loading of={gateway}>{(known) => <Ways workspace={workspace} gateway={known} />}</Loading>
    </section>
  );
}

function Ways({ workspace, gateway }: WayProps) {
  const { ssh } = gateway;
  const { mine, endToEndOnly } = workspace;
  const tabs = [
    {
      id: "editor",
      title: "VS Code",
      content: () => <EditorLink workspace={workspace} gateway={gateway} />,
    },
    ...(ssh === null
      ? []
      : [
          {
            id: "ssh",
            title: t("SSH with a key"),
            content: () => <SshByKey workspace={workspace} gateway={gateway} ssh={ssh} />,
          },
        ]),
    // The gateway signs in for the person, which it can't where connections are end to end only.
    ...(ssh === null || !mine || endToEndOnly
      ? []
      : [
          {
            id: "token",
            title: t("SSH with a token"),
            content: () => <SshByToken workspace={workspace} ssh={ssh} />,
          },
        ]),
    {
      id: "terminal",
      title: t("Command line"),
      content: () => <CommandLine workspace={workspace} gateway={gateway} />,
    },
  ];
  return (
    <Tabs
      label={t("Connect")}
      tabs={tabs}
      selected={here.value.query.get("connect") ?? "editor"}
      onSelect={(id) => setQuery({ connect: id })}
    />
  );
}
