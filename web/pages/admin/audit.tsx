// The audit log with filters that are in the address, so that a link shows the same entries and the back button works.

import { useEffect, useState } from "preact/hooks";
import type { AuditEntry } from "../../../protocol/api.ts";
import { PAGES } from "../../../protocol/sign-in/pages.ts";
import { api } from "../../api.ts";
import { withBase } from "../../base.ts";
import { useAction, useLoad } from "../../load.ts";
import { EntryDetails, EntryEvent } from "../../parts/audit/entry.tsx";
import { Loading } from "../../parts/busy.tsx";
import { EmptyState } from "../../parts/empty-state.tsx";
import { Checkbox } from "../../parts/form.tsx";
import { Link } from "../../parts/link.tsx";
import { announce } from "../../parts/live-region.tsx";
import { LongList } from "../../parts/long-list/long-list.tsx";
import { ErrorNotice } from "../../parts/notice.tsx";
import { PageTitle } from "../../parts/page-title.tsx";
import type { Column } from "../../parts/table.tsx";
import { here, setQuery } from "../../router.ts";
import { session } from "../../session.ts";
import { proveAgain } from "../../sign-in/again.ts";
import { exact } from "../../time.tsx";
import { t } from "../../words.ts";
import { queryOf } from "./all-pages.ts";
import { type AuditFilters, filtersOf, isEmpty, validFilters } from "./audit/filters.ts";
import { AuditFilterForm } from "./audit/form.tsx";
import { OnlyAdministrators } from "./only-administrators.tsx";

const PAGE = 200;
const FOLLOW_MS = 3_000;
const FRESH_MARGIN_MS = 10_000;

export function AuditPage() {
  return (
    <OnlyAdministrators title={t("Audit log")}>
      <Audit />
    </OnlyAdministrators>
  );
}

function Audit() {
  const { query } = here.value;
  const filters = filtersOf(query);
  const follows = query.get("follow") === "1";
  const asked = queryOf(validFilters(filters));
  return (
    <>
      <PageTitle
        title={t("Audit log")}
        intro={t(
          "Who did what at this gateway, newest first. The address of this page has the filter in it: a link shows the same.",
        )}
      >
        <ExportButton asked={asked} />
      </PageTitle>
      <AuditFilterForm filters={filters} />
      <Checkbox
        label={t("Show new entries as they come")}
        checked={follows}
        onChange={(on) => setQuery({ follow: on ? "1" : undefined })}
      />
      <Entries key={asked} asked={asked} follows={follows} filtered={!isEmpty(filters)} />
    </>
  );
}

/** Saves what the filter leaves as a file. That needs a fresh sign-in, for which a link alone could not ask. */
function ExportButton({ asked }: { readonly asked: string }) {
  const save = useAction(async () => {
    const { freshUntil } = session.value ?? {};
    const isFresh = freshUntil !== undefined && Date.parse(freshUntil) > Date.now() + FRESH_MARGIN_MS;
    if (!isFresh && !(await proveAgain())) return;
    const link = document.createElement("a");
    link.href = withBase(`/api/v1/audit.ndjson${asked}`);
    link.download = "audit.ndjson";
    link.click();
  });
  return (
    <button type="button" disabled={save.busy} onClick={() => void save.run()}>
      {t("Export as NDJSON")}
    </button>
  );
}

interface EntriesProps {
  /** The query of the request. */
  readonly asked: string;
  readonly follows: boolean;
  readonly filtered: boolean;
}

function Entries({ asked, follows, filtered }: EntriesProps) {
  const newest = useLoad((signal) => readPage(asked, {}, signal), [asked]);
  const [newer, setNewer] = useState<readonly AuditEntry[]>([]);
  const [older, setOlder] = useState<readonly AuditEntry[]>([]);
  const [atEnd, setAtEnd] = useState(false);
  const entries = [...newer, ...(newest.data ?? []), ...older];
  const last = entries.at(-1)?.id;
  const more = useAction(async () => {
    if (last === undefined) return;
    const page = await readPage(asked, { before: last });
    setOlder((old) => [...old, ...page]);
    setAtEnd(page.length < PAGE);
    announce(t("Entries: {0}", entries.length + page.length));
  });
  const lost = useFollowing(follows && newest.data !== undefined, asked, entries, (come) =>
    setNewer((old) => [...come, ...old]),
  );
  return (
    <>
      <ErrorNotice error={lost} />
      <Loading of={newest}>
        {(first) => (
          <>
            <LongList
              caption={t("Audit log")}
              hideCaption
              columns={columns()}
              rows={entries}
              rowKey={({ id }) => id}
              empty={<EmptyState title={filtered ? t("No entry matches.") : t("The log is empty.")} />}
            />
            <ErrorNotice error={more.error} />
            {first.length === PAGE && !atEnd && (
              <div class="actions">
                <button type="button" disabled={more.busy} onClick={() => void more.run()}>
                  {t("Older entries")}
                </button>
              </div>
            )}
          </>
        )}
      </Loading>
    </>
  );
}

function readPage(
  asked: string,
  more: { readonly before?: string },
  signal?: AbortSignal,
): Promise<AuditEntry[]> {
  const query = queryOf({ ...Object.fromEntries(new URLSearchParams(asked)), ...more, limit: String(PAGE) });
  return api.get<AuditEntry[]>(`/audit${query}`, signal === undefined ? {} : { signal });
}

/** Asks for new entries every few seconds while the page is seen. Returns why that fails, if it does. */
function useFollowing(
  on: boolean,
  asked: string,
  known: readonly AuditEntry[],
  onCome: (entries: readonly AuditEntry[]) => void,
): Error | undefined {
  const [error, setError] = useState<Error>();
  const first = known[0]?.id;
  useEffect(() => {
    if (!on) {
      setError(undefined);
      return;
    }
    const abort = new AbortController();
    const timer = setInterval(() => {
      if (document.hidden) return;
      readPage(asked, {}, abort.signal).then(
        (page) => {
          if (abort.signal.aborted) return;
          setError(undefined);
          const come = first === undefined ? page : page.filter(({ id }) => id > first);
          if (come.length > 0) onCome(come);
        },
        (reason: unknown) => {
          if (!abort.signal.aborted && reason instanceof Error) setError(reason);
        },
      );
    }, FOLLOW_MS);
    return () => {
      clearInterval(timer);
      abort.abort();
    };
  }, [on, asked, first]);
  return error;
}

const columns = (): Column<AuditEntry>[] => [
  {
    title: t("When"),
    kind: "main",
    share: 1.1,
    cell: ({ time }) => <time dateTime={time}>{exact(time)}</time>,
  },
  { title: t("What"), share: 1.5, cell: (entry) => <EntryEvent entry={entry} /> },
  { title: t("Account"), cell: ({ account }) => <Value name="account" value={account} /> },
  {
    title: t("Workspace"),
    share: 1.2,
    cell: ({ workspace }) => <Value name="workspace" value={workspace} />,
  },
  { title: t("Address"), cell: ({ address }) => <Value name="address" value={address} /> },
  { title: t("Details"), share: 1.8, cell: (entry) => <EntryDetails entry={entry} /> },
];

/** A value that filters the log when it is pressed. */
function Value({ name, value }: { readonly name: keyof AuditFilters; readonly value: string | null }) {
  if (value === null) return <span class="muted">–</span>;
  const query = new URLSearchParams(here.value.query);
  query.set(name, value);
  return (
    <Link class={name === "account" ? "" : "code"} to={`${PAGES.audit}?${query}`}>
      {value}
    </Link>
  );
}
