// All workspaces of the gateway. Administrators see and stop them; they do not get into them by that.

import { useState } from "preact/hooks";
import type { AdminWorkspace, AdminWorkspaces } from "../../../protocol/admin-api.ts";
import { PAGES } from "../../../protocol/sign-in/pages.ts";
import { api } from "../../api.ts";
import { Badge } from "../../parts/badge.tsx";
import { Busy } from "../../parts/busy.tsx";
import { Confirm, ConfirmByName } from "../../parts/dialog.tsx";
import { EmptyState } from "../../parts/empty-state.tsx";
import { SelectField } from "../../parts/form.tsx";
import { Link } from "../../parts/link.tsx";
import { announce } from "../../parts/live-region.tsx";
import { useFiltered } from "../../parts/long-list/filter.ts";
import { FilterField, useQueryText } from "../../parts/long-list/filter-field.tsx";
import { LongList } from "../../parts/long-list/long-list.tsx";
import { Menu } from "../../parts/menu.tsx";
import { ErrorNotice, Notice } from "../../parts/notice.tsx";
import { PageTitle } from "../../parts/page-title.tsx";
import type { Column } from "../../parts/table.tsx";
import { setQuery } from "../../router.ts";

import { Time } from "../../time.tsx";
import { t } from "../../words.ts";
import { queryOf, useAllPages } from "./all-pages.ts";
import { OnlyAdministrators } from "./only-administrators.tsx";

export function AllWorkspacesPage({ query }: { readonly query: URLSearchParams }) {
  return (
    <OnlyAdministrators title={t("All workspaces")}>
      <AllWorkspaces owner={query.get("owner") ?? ""} show={query.get("show") ?? "all"} />
    </OnlyAdministrators>
  );
}

const SHOWN = ["all", "online", "offline", "frozen"] as const;
type Shown = (typeof SHOWN)[number];
type Asked = { readonly what: "freeze" | "unfreeze" | "delete"; readonly workspace: AdminWorkspace };

function AllWorkspaces({ owner, show }: { readonly owner: string; readonly show: string }) {
  const [filter, setFilter] = useQueryText("filter");
  const [asked, setAsked] = useState<Asked>();
  const all = useAllPages<AdminWorkspace>(
    async (after, signal) => {
      const query = queryOf({ after, owner, limit: "1000" });
      const { workspaces: rows, ...rest } = await api.get<AdminWorkspaces>(`/admin/workspaces${query}`, {
        signal,
      });
      return { rows, ...rest };
    },
    [owner],
  );
  const shown = SHOWN.find((one) => one === show) ?? "all";
  const found = useFiltered(all.rows ?? [], filter, ({ name, owner: of }) => `${name} ${of}`);
  const rows = shown === "all" ? found : found.filter((one) => isShown(one, shown));
  return (
    <>
      <PageTitle
        title={owner === "" ? t("All workspaces") : t("Workspaces of {0}", owner)}
        intro={t("Administrators see and stop workspaces here. They do not get into them by that.")}
        {...(owner === "" ? {} : { back: { to: PAGES.allWorkspaces, text: t("All workspaces") } })}
      >
        <button type="button" disabled={all.loading} onClick={all.reload}>
          {t("Refresh")}
        </button>
      </PageTitle>
      <ErrorNotice error={all.error} retry={all.reload} />
      {all.cut && (
        <Notice tone="warning">
          {t("Only the first {0} of {1} workspaces are here.", all.rows?.length ?? 0, all.total)}
        </Notice>
      )}
      <FilterField
        label={t("Filter by name or owner")}
        text={filter}
        onText={setFilter}
        shown={rows.length}
        total={all.total}
      >
        <SelectField<Shown>
          label={t("Show")}
          value={shown}
          options={[
            { value: "all", text: t("All") },
            { value: "online", text: t("Online") },
            { value: "offline", text: t("Offline") },
            { value: "frozen", text: t("Frozen") },
          ]}
          onChange={(chosen) => setQuery({ show: chosen === "all" ? undefined : chosen })}
        />
      </FilterField>
      {all.rows === undefined ? (
        all.loading && <Busy />
      ) : (
        <LongList
          caption={t("All workspaces")}
          hideCaption
          columns={columns(setAsked)}
          rows={rows}
          rowKey={({ id }) => id}
          empty={
            <EmptyState
              title={all.total === 0 ? t("There is no workspace yet.") : t("No workspace matches.")}
            />
          }
        />
      )}
      {asked !== undefined && (
        <Question asked={asked} onClose={() => setAsked(undefined)} onDone={all.reload} />
      )}
    </>
  );
}

function isShown({ online, frozen }: AdminWorkspace, shown: Exclude<Shown, "all">): boolean {
  return shown === "frozen" ? frozen : online === (shown === "online");
}

const columns = (ask: (asked: Asked) => void): Column<AdminWorkspace>[] => [
  { title: t("Name"), kind: "main", share: 1.6, cell: ({ name }) => name },
  {
    title: t("Owner"),
    share: 1.2,
    cell: ({ owner }) => <Link to={`${PAGES.allWorkspaces}?${new URLSearchParams({ owner })}`}>{owner}</Link>,
  },
  {
    title: t("State"),
    share: 1.2,
    cell: ({ online, frozen }) =>
      frozen ? (
        <Badge tone="danger">{t("Frozen")}</Badge>
      ) : online ? (
        <Badge tone="good">{t("Online")}</Badge>
      ) : (
        <Badge tone="neutral">{t("Offline")}</Badge>
      ),
  },
  { title: t("Connections"), kind: "number", cell: ({ clients }) => clients },
  { title: t("Shared with"), kind: "number", cell: ({ shares }) => shares },
  { title: t("Last seen"), share: 1.2, cell: ({ lastSeenAt }) => <Time at={lastSeenAt} /> },
  {
    title: t("Actions"),
    kind: "actions",
    cell: (workspace) => (
      <Menu
        label={t("More")}
        name={t("More: {0} of {1}", workspace.name, workspace.owner)}
        items={[
          {
            text: t("In the audit log"),
            to: `${PAGES.audit}?${new URLSearchParams({ workspace: workspace.id })}`,
          },
          workspace.frozen
            ? { text: t("Unfreeze"), onSelect: () => ask({ what: "unfreeze", workspace }) }
            : { text: t("Freeze"), danger: true, onSelect: () => ask({ what: "freeze", workspace }) },
          { text: t("Delete"), danger: true, onSelect: () => ask({ what: "delete", workspace }) },
        ]}
      />
    ),
  },
];

interface QuestionProps {
  readonly asked: Asked;
  readonly onClose: () => void;
  readonly onDone: () => void;
}

function Question({ asked: { what, workspace }, onClose, onDone }: QuestionProps) {
  const { id, name, owner } = workspace;
  const path = `/workspaces/${encodeURIComponent(id)}`;
  const after = (text: string): void => {
    announce(text);
    onDone();
  };
  switch (what) {
    case "freeze":
      return (
        <Confirm
          title={t("Freeze {0}?", name)}
          action={t("Freeze")}
          danger
          onClose={onClose}
          onConfirm={async () => {
            await api.post(`${path}/freeze`);
            after(t("{0} is frozen.", name));
          }}
        >
          <p>
            {t("Its host and everybody who is connected are cut off within a second. Nothing is deleted.")}
          </p>
        </Confirm>
      );
    case "unfreeze":
      return (
        <Confirm
          title={t("Unfreeze {0}?", name)}
          action={t("Unfreeze")}
          onClose={onClose}
          onConfirm={async () => {
            await api.post(`${path}/unfreeze`);
            after(t("{0} is no longer frozen.", name));
          }}
        >
          <p>{t("Its host and clients may connect again.")}</p>
        </Confirm>
      );
    case "delete":
      return (
        <ConfirmByName
          title={t("Delete {0} of {1}?", name, owner)}
          name={name}
          action={t("Delete")}
          onClose={onClose}
          onConfirm={async () => {
            await api.delete(path);
            after(t("{0} is deleted.", name));
          }}
        >
          <p>
            {t(
              "The gateway forgets the workspace, its host keys, shares and owner tokens. The machine itself is untouched; its host makes a new workspace when it connects again.",
            )}
          </p>
        </ConfirmByName>
      );
  }
}
