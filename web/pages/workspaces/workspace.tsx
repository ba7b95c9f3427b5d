// One workspace: how to connect, who is connected, whom it is shared with. It follows the event stream.

import { useState } from "preact/hooks";
import type { Workspace } from "../../../protocol/api.ts";
import { PAGES } from "../../../protocol/sign-in/pages.ts";
import { workspaces } from "../../events.ts";
import { Busy } from "../../parts/busy.tsx";
import { Notice } from "../../parts/notice.tsx";
import { PageTitle } from "../../parts/page-title.tsx";
import type { PageProps } from "../../router.ts";
import { Time } from "../../time.tsx";
import { t } from "../../words.ts";
import { Connect } from "./connect/connect.tsx";
import { Connected } from "./detail/connected.tsx";
import { Danger } from "./detail/danger.tsx";
import { HostKeys } from "./detail/host-keys.tsx";
import { Sharing } from "./detail/sharing.tsx";
import { HeldKeys } from "./held-keys.tsx";
import { State } from "./state.tsx";
import { findByRef } from "./workspace-ref.ts";

const back = () => ({ to: PAGES.workspaces, text: t("Workspaces") });

export function WorkspacePage({ param = "" }: PageProps) {
  const all = workspaces.value;
  // By its id, so that it stays the same workspace when somebody renames it.
  const [id, setId] = useState<string>();
  const workspace = id === undefined ? all && findByRef(all, param) : all?.get(id);
  if (id === undefined && workspace !== undefined) setId(workspace.id);
  if (workspace !== undefined) return <Detail workspace={workspace} />;
  return (
    <>
      <PageTitle title={t("Workspace")} back={back()} />
      {all === undefined ? (
        <Busy />
      ) : id === undefined ? (
        <Notice tone="warning">{t("There is no such workspace, or it is not shared with you.")}</Notice>
      ) : (
        <Notice tone="warning">{t("This workspace was deleted, or is no longer shared with you.")}</Notice>
      )}
    </>
  );
}

function Detail({ workspace }: { readonly workspace: Workspace }) {
  const { name, owner, mine, online, lastSeenAt, endToEndOnly, clockAhead, folder, frozen } = workspace;
  return (
    <>
      <PageTitle
        title={name}
        back={back()}
        intro={
          <div class="workspace-facts">
            <State of={workspace} />
            {!mine && <span>{t("Shared with you by {0}", owner)}</span>}
            {!online && (
              <span>
                {t("Last seen:")} <Time at={lastSeenAt} />
              </span>
            )}
            {folder !== undefined && <span class="code">{folder}</span>}
            {endToEndOnly && <span>{t("End to end only")}</span>}
          </div>
        }
      />
      {frozen === true && (
        <Notice tone="warning" title={t("This workspace is frozen.")}>
          {t("Neither its host nor anybody else can connect.")}
        </Notice>
      )}
      {clockAhead !== undefined && (
        <Notice tone="warning">
          {t(
            "The clock of the machine is off by {0} s. Connections may fail until it is set.",
            Math.abs(clockAhead),
          )}
        </Notice>
      )}
      <HeldKeys workspace={workspace} />
      <Connect workspace={workspace} />
      <Connected workspace={workspace} />
      {mine && <Sharing workspace={workspace} />}
      <HostKeys keys={workspace.hostKeys} />
      <Danger workspace={workspace} />
    </>
  );
}
