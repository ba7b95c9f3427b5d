// Workspaces that other accounts share with the person, and those that the person shares with others.

import { useState } from "preact/hooks";
import type { GivenShare, SharedWithMe } from "../../../protocol/api.ts";
import { api } from "../../api.ts";
import { offers, workspaces } from "../../events.ts";
import { useLoad } from "../../load.ts";
import { Badge } from "../../parts/badge.tsx";
import { Loading } from "../../parts/busy.tsx";
import { Confirm } from "../../parts/dialog.tsx";
import { Link } from "../../parts/link.tsx";
import { announce } from "../../parts/live-region.tsx";
import { PageTitle } from "../../parts/page-title.tsx";
import { type Column, Table } from "../../parts/table.tsx";
import { Time } from "../../time.tsx";
import { t } from "../../words.ts";
import { TakeBack } from "../workspaces/detail/take-back.tsx";
import { Offers } from "../workspaces/offers.tsx";
import { State } from "../workspaces/state.tsx";
import { pathOf } from "../workspaces/workspace-ref.ts";

export function SharesPage() {
  return (
    <>
      <PageTitle title={t("Shared workspaces")} />
      <Offers />
      <WithMe />
      <ByMe />
    </>
  );
}

function WithMe() {
  const all = workspaces.value;
  // Only what is shared counts: the stream tells of much else.
  const known = [...(all?.values() ?? [])].flatMap(({ id, mine }) => (mine ? [] : [id])).join();
  const shares = useLoad(
    (signal) => api.get<SharedWithMe[]>("/shares", { signal }),
    [known, offers.value.length],
  );
  const [leaving, setLeaving] = useState<SharedWithMe>();
  const columns: Column<SharedWithMe>[] = [
    {
      title: t("Workspace"),
      kind: "main",
      cell: ({ id, name }) => {
        const workspace = all?.get(id);
        return workspace === undefined ? name : <Link to={pathOf(workspace)}>{name}</Link>;
      },
    },
    { title: t("Owner"), cell: ({ owner }) => owner },
    {
      title: t("State"),
      cell: ({ id }) => {
        const workspace = all?.get(id);
        return workspace !== undefined && <State of={workspace} />;
      },
    },
    {
      title: t("Until"),
      cell: ({ expiresAt = null }) => <Time at={expiresAt} never={t("its owner takes it back")} />,
    },
    {
      title: t("Actions"),
      kind: "actions",
      cell: (share) => (
        <button type="button" onClick={() => setLeaving(share)}>
          {t("Leave")}
        </button>
      ),
    },
  ];
  return (
    <section class="panel" aria-labelledby="with-me">
      <h2 id="with-me">{t("Shared with me")}</h2>
      <Loading of={shares}>
        {(list) => (
          <Table
            caption={t("Shared with me")}
            hideCaption
            columns={columns}
            rows={list.filter(({ pending }) => !pending)}
            rowKey={({ id }) => id}
            empty={
              <p class="muted">
                {t("Nobody shares a workspace with you. Offers appear here by themselves.")}
              </p>
            }
          />
        )}
      </Loading>
      {leaving !== undefined && (
        <Confirm
          title={t("Leave {0}?", leaving.name)}
          action={t("Leave")}
          danger
          onClose={() => setLeaving(undefined)}
          onConfirm={async () => {
            await api.delete(`/shares/${leaving.id}`);
            announce(t("{0} is no longer in your list.", leaving.name));
            shares.reload();
          }}
        >
          <p>
            {t("What you have open there ends at once. Only {0} can share it with you again.", leaving.owner)}
          </p>
        </Confirm>
      )}
    </section>
  );
}

function ByMe() {
  const shares = useLoad((signal) => api.get<GivenShare[]>("/shares/given", { signal }), []);
  const [ending, setEnding] = useState<GivenShare>();
  const columns: Column<GivenShare>[] = [
    {
      title: t("Workspace"),
      kind: "main",
      cell: ({ name }) => <Link to={pathOf({ name, owner: "", mine: true })}>{name}</Link>,
    },
    { title: t("Account"), cell: ({ account }) => account },
    {
      title: t("State"),
      cell: ({ pending }) =>
        pending ? (
          <Badge tone="neutral">{t("Not accepted yet")}</Badge>
        ) : (
          <Badge tone="good">{t("Has access")}</Badge>
        ),
    },
    { title: t("Until"), cell: ({ expiresAt }) => <Time at={expiresAt} never={t("you take it back")} /> },
    {
      title: t("Actions"),
      kind: "actions",
      cell: (share) => (
        <button type="button" onClick={() => setEnding(share)}>
          {t("Take back")}
        </button>
      ),
    },
  ];
  return (
    <section class="panel" aria-labelledby="by-me">
      <h2 id="by-me">{t("Shared by me")}</h2>
      <Loading of={shares}>
        {(list) => (
          <Table
            caption={t("Shared by me")}
            hideCaption
            columns={columns}
            rows={list}
            rowKey={({ id, account }) => `${id} ${account}`}
            empty={<p class="muted">{t("You share none. A workspace's page has the button for it.")}</p>}
          />
        )}
      </Loading>
      {ending !== undefined && (
        <TakeBack
          id={ending.id}
          name={ending.name}
          account={ending.account}
          onClose={() => setEnding(undefined)}
          onDone={() => shares.reload()}
        />
      )}
    </section>
  );
}
