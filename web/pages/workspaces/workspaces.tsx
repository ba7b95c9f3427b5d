// All workspaces of the person, live: their own and those shared with them. Without any, the page is the guide to the first.

import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Workspace } from "../../../protocol/api.ts";
import { gatewayUrl } from "../../base.ts";
import { workspaces } from "../../events.ts";
import { Busy } from "../../parts/busy.tsx";
import { SelectField } from "../../parts/form.tsx";
import { Link } from "../../parts/link.tsx";
import { announce } from "../../parts/live-region.tsx";
import { useFiltered } from "../../parts/long-list/filter.ts";
import { FilterField, useQueryText } from "../../parts/long-list/filter-field.tsx";
import { LongList } from "../../parts/long-list/long-list.tsx";
import { PageTitle } from "../../parts/page-title.tsx";
import type { Column } from "../../parts/table.tsx";
import { here, setQuery } from "../../router.ts";
import { Time } from "../../time.tsx";
import { t } from "../../words.ts";
import { connectUrl } from "./connect/addresses.ts";
import { HeldKeys } from "./held-keys.tsx";
import { Offers } from "./offers.tsx";
import { changes, inOrder, ORDERS } from "./order.ts";
import { SetUp } from "./set-up.tsx";
import { State } from "./state.tsx";
import { pathOf, refOf } from "./workspace-ref.ts";

export function WorkspacesPage() {
  const all = workspaces.value;
  const [adding, setAdding] = useState(false);
  useNews(all);
  const isEmpty = all?.size === 0;
  return (
    <>
      <PageTitle title={t("Workspaces")}>
        {!adding && all !== undefined && !isEmpty && (
          <button type="button" onClick={() => setAdding(true)}>
            {t("Add a workspace")}
          </button>
        )}
      </PageTitle>
      <Offers />
      {all === undefined ? (
        <Busy />
      ) : (
        <>
          {[...all.values()].map(
            (workspace) =>
              workspace.heldHostKeys !== undefined && <HeldKeys key={workspace.id} workspace={workspace} />,
          )}
          {(adding || isEmpty) && (
            <SetUp
              all={all}
              onStarted={() => setAdding(true)}
              onClose={isEmpty ? undefined : () => setAdding(false)}
            />
          )}
          {!isEmpty && <List all={all} />}
        </>
      )}
    </>
  );
}

const searched = ({ name, owner }: Workspace): string => `${name}.${owner}`;
const idOf = ({ id }: Workspace): string => id;

function List({ all }: { readonly all: ReadonlyMap<string, Workspace> }) {
  const [filter, setFilter] = useQueryText("filter");
  const order = ORDERS.find((one) => one === here.value.query.get("order")) ?? "online";
  const sorted = useMemo(() => inOrder(all.values(), order), [all, order]);
  const shown = useFiltered(sorted, filter, searched);
  const [columns] = useState(listColumns);
  return (
    <>
      <div class="list-tools">
        <FilterField
          label={t("Filter by name or owner")}
          text={filter}
          onText={setFilter}
          shown={shown.length}
          total={sorted.length}
        />
        <SelectField
          label={t("Order")}
          value={order}
          options={[
            { value: "online", text: t("Online first") },
            { value: "name", text: t("By name") },
            { value: "seen", text: t("Last seen first") },
          ]}
          onChange={(value) => setQuery({ order: value === "online" ? undefined : value })}
        />
      </div>
      <LongList
        caption={t("Workspaces")}
        hideCaption
        columns={columns}
        rows={shown}
        rowKey={idOf}
        empty={<p class="muted">{t("No workspace has this in its name.")}</p>}
      />
    </>
  );
}

function listColumns(): Column<Workspace>[] {
  return [
    {
      title: t("Workspace"),
      kind: "main",
      cell: (workspace) => (
        <>
          <Link to={pathOf(workspace)}>{workspace.name}</Link>
          {!workspace.mine && <span class="muted of-owner"> {t("of {0}", workspace.owner)}</span>}
        </>
      ),
    },
    { title: t("State"), cell: (workspace) => <State of={workspace} /> },
    { title: t("Connections"), kind: "number", cell: ({ clients }) => clients },
    {
      title: t("Last seen"),
      cell: ({ online, lastSeenAt }) => (online ? t("now") : <Time at={lastSeenAt} />),
    },
    {
      title: t("Actions"),
      kind: "actions",
      cell: (workspace) =>
        workspace.online && (
          <a
            class="button"
            aria-label={t("Open {0} in VS Code", workspace.name)}
            href={connectUrl(gatewayUrl(), refOf(workspace), "vscode")}
          >
            VS Code
          </a>
        ),
    },
  ];
}

/** Tells screen readers what came online and went offline. */
function useNews(all: ReadonlyMap<string, Workspace> | undefined): void {
  const before = useRef(all);
  useEffect(() => {
    if (before.current !== undefined && all !== undefined) {
      for (const { name, online } of changes(before.current, all)) {
        announce(online ? t("{0} is online.", name) : t("{0} is offline.", name));
      }
    }
    before.current = all;
  }, [all]);
}
