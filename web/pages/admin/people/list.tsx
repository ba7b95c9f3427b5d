// All accounts, with a filter.

import type { People } from "../../../../protocol/admin-api.ts";
import type { Person } from "../../../../protocol/sign-in/api.ts";
import { PAGES } from "../../../../protocol/sign-in/pages.ts";
import { api } from "../../../api.ts";
import { Badge } from "../../../parts/badge.tsx";
import { Busy } from "../../../parts/busy.tsx";
import { EmptyState } from "../../../parts/empty-state.tsx";
import { SelectField } from "../../../parts/form.tsx";
import { Link } from "../../../parts/link.tsx";
import { useFiltered } from "../../../parts/long-list/filter.ts";
import { FilterField, useQueryText } from "../../../parts/long-list/filter-field.tsx";
import { LongList } from "../../../parts/long-list/long-list.tsx";
import { ErrorNotice } from "../../../parts/notice.tsx";
import { PageTitle } from "../../../parts/page-title.tsx";
import type { Column } from "../../../parts/table.tsx";
import { here, setQuery } from "../../../router.ts";
import { Time } from "../../../time.tsx";
import { t } from "../../../words.ts";
import { queryOf, useAllPages } from "../all-pages.ts";

const STATES = ["enabled", "disabled", "administrator"] as const;
type State = (typeof STATES)[number];

export function PeopleList() {
  const [filter, setFilter] = useQueryText("filter");
  const state = STATES.find((one) => one === here.value.query.get("state"));
  const people = useAllPages<Person>(
    async (after, signal) => {
      const query = queryOf({ after, state, limit: "1000" });
      const { people: rows, ...rest } = await api.get<People>(`/people${query}`, { signal });
      return { rows, ...rest };
    },
    [state],
  );
  const rows = useFiltered(people.rows ?? [], filter, (person) =>
    [person.name, ...person.identities.map(({ name, provider }) => `${name} ${provider}`)].join(" "),
  );
  return (
    <>
      <PageTitle title={t("People")} intro={t("Everybody with an account at this gateway.")}>
        <Link class="button primary" to={PAGES.invitations}>
          {t("Invite somebody")}
        </Link>
      </PageTitle>
      <ErrorNotice error={people.error} retry={people.reload} />
      <FilterField
        label={t("Filter by name or identity")}
        text={filter}
        onText={setFilter}
        shown={rows.length}
        total={people.total}
      >
        <SelectField<State | "all">
          label={t("Show")}
          value={state ?? "all"}
          options={[
            { value: "all", text: t("All") },
            { value: "enabled", text: t("Active") },
            { value: "disabled", text: t("Frozen") },
            { value: "administrator", text: t("Administrators") },
          ]}
          onChange={(chosen) => setQuery({ state: chosen === "all" ? undefined : chosen })}
        />
      </FilterField>
      {people.rows === undefined ? (
        people.loading && <Busy />
      ) : (
        <LongList
          caption={t("People")}
          hideCaption
          columns={columns()}
          rows={rows}
          rowKey={({ id }) => id}
          empty={<EmptyState title={t("Nobody matches.")} />}
        />
      )}
    </>
  );
}

const columns = (): Column<Person>[] => [
  {
    title: t("Name"),
    kind: "main",
    share: 1.6,
    cell: ({ id, name }) => <Link to={`${PAGES.people}?${new URLSearchParams({ person: id })}`}>{name}</Link>,
  },
  {
    title: t("State"),
    cell: ({ disabled }) =>
      disabled ? <Badge tone="danger">{t("Frozen")}</Badge> : <Badge tone="good">{t("Active")}</Badge>,
  },
  {
    title: t("Role"),
    share: 1.3,
    cell: ({ admin }) => (admin ? <Badge tone="accent">{t("Administrator")}</Badge> : t("Member")),
  },
  { title: t("Signs in with"), share: 1.5, cell: signsInWith },
  { title: t("Sign-ins"), kind: "number", cell: ({ signIns }) => signIns },
  { title: t("Workspaces"), kind: "number", cell: ({ workspaces }) => workspaces },
  { title: t("Last seen"), cell: ({ lastSeenAt }) => <Time at={lastSeenAt} /> },
];

function signsInWith({ identities, passkeys }: Person): string {
  const ways = [
    ...new Set(identities.map(({ provider }) => provider)),
    ...(passkeys > 0 ? [t("Passkeys: {0}", passkeys)] : []),
  ];
  return ways.length === 0 ? t("Access tokens") : ways.join(", ");
}
