// Who is connected to a workspace now, live, and the end of a connection.

import { useState } from "preact/hooks";
import type { ConnectionInfo, Connections } from "../../../../protocol/admin-api.ts";
import type { Workspace } from "../../../../protocol/api.ts";
import { api } from "../../../api.ts";
import { useLoad } from "../../../load.ts";
import { Loading } from "../../../parts/busy.tsx";
import { Confirm } from "../../../parts/dialog.tsx";
import { announce } from "../../../parts/live-region.tsx";
import { type Column, Table } from "../../../parts/table.tsx";
import { Time } from "../../../time.tsx";
import { t } from "../../../words.ts";

export function Connected({ workspace }: { readonly workspace: Workspace }) {
  const path = `/workspaces/${workspace.id}/connections`;
  // Each event of the workspace makes a new object.
  const connections = useLoad((signal) => api.get<Connections>(path, { signal }), [workspace]);
  const [ending, setEnding] = useState<ConnectionInfo>();
  const columns: Column<ConnectionInfo>[] = [
    { title: t("Who"), kind: "main", cell: (one) => whoOf(one) },
    { title: t("How"), cell: ({ how }) => howOf(how) },
    { title: t("From"), cell: ({ address }) => <span class="code">{address}</span> },
    { title: t("Since"), cell: ({ since }) => <Time at={since} /> },
    {
      title: t("Actions"),
      kind: "actions",
      cell: (one) => (
        <button type="button" onClick={() => setEnding(one)}>
          {t("End")}
        </button>
      ),
    },
  ];
  return (
    <section class="panel" aria-labelledby="connected">
      <h2 id="connected">{t("Connected now")}</h2>
      <Loading of={connections}>
        {({ connections: list, more }) => (
          <>
            <Table
              caption={t("Connected now")}
              hideCaption
              columns={columns}
              rows={list}
              rowKey={({ id }) => id}
              empty={<p class="muted">{t("Nobody is connected.")}</p>}
            />
            {more && <p class="muted">{t("There are more than these.")}</p>}
          </>
        )}
      </Loading>
      {ending !== undefined && (
        <Confirm
          title={t("End this connection?")}
          action={t("End")}
          danger
          onClose={() => setEnding(undefined)}
          onConfirm={async () => {
            await api.delete(`${path}/${ending.id}`);
            announce(t("Ended."));
            connections.reload();
          }}
        >
          <p>
            {whoOf(ending)} · {howOf(ending.how)} · <span class="code">{ending.address}</span>
          </p>
          <p>{t("Terminals and editors in it are cut off. They may connect again.")}</p>
        </Confirm>
      )}
    </section>
  );
}

function whoOf({ account, mine, key, token }: ConnectionInfo) {
  const who = account === null ? t("By owner token") : mine ? t("You ({0})", account) : account;
  const by = key ?? token;
  return (
    <>
      {who}
      {by !== null && <div class="code muted small wrap">{by}</div>}
    </>
  );
}

function howOf(how: ConnectionInfo["how"]): string {
  switch (how) {
    case "tunnel":
      return t("Over HTTPS, end to end");
    case "jump":
      return t("By SSH, end to end");
    case "ssh":
      return t("By SSH, through the gateway");
  }
}
