// What happened in the account of the person and with their workspaces, newest first.

import { useEffect, useState } from "preact/hooks";
import type { AuditEntry } from "../../../protocol/api.ts";
import { api } from "../../api.ts";
import { workspaces } from "../../events.ts";
import { useAction } from "../../load.ts";
import { EntryDetails, EntryEvent } from "../../parts/audit/entry.tsx";
import { eventKinds } from "../../parts/audit/words.ts";
import { Busy } from "../../parts/busy.tsx";
import { SelectField, TextField } from "../../parts/form.tsx";
import { announce } from "../../parts/live-region.tsx";
import { LongList } from "../../parts/long-list/long-list.tsx";
import { ErrorNotice } from "../../parts/notice.tsx";
import { PageTitle } from "../../parts/page-title.tsx";
import type { Column } from "../../parts/table.tsx";
import type { PageProps } from "../../router.ts";
import { setQuery } from "../../router.ts";
import { Time } from "../../time.tsx";
import { t } from "../../words.ts";

const PAGE = 100;
/** Kinds of which an account has none. */
const NOT_OWN = new Set(["certificate", "invitation"]);

export function ActivityPage({ query }: PageProps) {
  const event = query.get("event") ?? "";
  const from = query.get("from") ?? "";
  const to = query.get("to") ?? "";
  const [entries, setEntries] = useState<readonly AuditEntry[]>();
  const [hasMore, setMore] = useState(false);
  const load = useAction(async (known: readonly AuditEntry[], filter: Readonly<Record<string, string>>) => {
    const before = known.at(-1)?.id;
    const page = await api.get<AuditEntry[]>(
      `/activity?${new URLSearchParams({ ...filter, limit: String(PAGE), ...(before === undefined ? {} : { before }) })}`,
    );
    setEntries([...known, ...page]);
    setMore(page.length === PAGE);
    if (known.length > 0) announce(t("Entries: {0}", known.length + page.length));
  });
  const filter = {
    ...(event === "" ? {} : { event }),
    ...dayOf("from", from, 0),
    ...dayOf("to", to, 1),
  };
  useEffect(() => void load.run([], filter), [event, from, to]);
  return (
    <>
      <PageTitle
        title={t("Activity")}
        intro={t("What was done in your name, by you, your programs and your hosts.")}
      />
      <div class="filters">
        <SelectField
          label={t("Kind")}
          value={event}
          options={[
            { value: "", text: t("Everything") },
            ...eventKinds().filter(({ value }) => !NOT_OWN.has(value)),
          ]}
          onChange={(value) => setQuery({ event: value })}
        />
        <TextField
          label={t("From")}
          type="date"
          value={from}
          onInput={(value) => setQuery({ from: value })}
        />
        <TextField label={t("To")} type="date" value={to} onInput={(value) => setQuery({ to: value })} />
      </div>
      <ErrorNotice error={load.error} />
      {entries === undefined ? (
        load.error === undefined && <Busy />
      ) : (
        <>
          <LongList
            caption={t("Activity")}
            hideCaption
            columns={columns()}
            rows={entries}
            rowKey={({ id }) => id}
            empty={<p class="muted">{t("Nothing happened in this time.")}</p>}
          />
          {hasMore && (
            <button type="button" disabled={load.busy} onClick={() => void load.run(entries, filter)}>
              {t("Show older entries")}
            </button>
          )}
        </>
      )}
    </>
  );
}

/** The begin of a day in the person's time zone, or of the day after it. */
function dayOf(name: string, day: string, after: number): Readonly<Record<string, string>> {
  const date = new Date(`${day}T00:00`);
  if (Number.isNaN(date.getTime())) return {};
  date.setDate(date.getDate() + after);
  return { [name]: date.toISOString() };
}

function columns(): Column<AuditEntry>[] {
  const nameOf = (id: string): string => workspaces.value?.get(id)?.name ?? id;
  return [
    { title: t("What"), kind: "main", share: 2, cell: (entry) => <EntryEvent entry={entry} /> },
    { title: t("When"), cell: ({ time }) => <Time at={time} /> },
    { title: t("From"), cell: ({ address }) => <span class="code">{address ?? "–"}</span> },
    { title: t("Workspace"), cell: ({ workspace }) => (workspace === null ? "–" : nameOf(workspace)) },
    { title: t("Details"), share: 2, cell: (entry) => <EntryDetails entry={entry} /> },
  ];
}
