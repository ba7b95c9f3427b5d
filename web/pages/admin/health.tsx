// The health of the gateway as this browser sees it, beside what the gateway knows of itself: each finding says what it means
// and what to do.

import { useEffect, useState } from "preact/hooks";
import type { AdminHealth } from "../../../protocol/admin-api.ts";
import { api } from "../../api.ts";
import { useLoad } from "../../load.ts";
import { Badge } from "../../parts/badge.tsx";
import { Loading } from "../../parts/busy.tsx";
import { announce } from "../../parts/live-region.tsx";
import { Notice } from "../../parts/notice.tsx";
import { PageTitle } from "../../parts/page-title.tsx";
import { Time } from "../../time.tsx";
import { t } from "../../words.ts";
import type { Check, Observed, Verdict } from "./health/check.ts";
import { checks, overall } from "./health/checks.ts";
import { observe, observedAtOnce } from "./health/observe.ts";
import { OnlyAdministrators } from "./only-administrators.tsx";

export function HealthPage() {
  return (
    <OnlyAdministrators title={t("Health")}>
      <Health />
    </OnlyAdministrators>
  );
}

function Health() {
  const [seen, setSeen] = useState<Observed>(observedAtOnce);
  const [round, setRound] = useState(0);
  const health = useLoad(
    async (signal) => {
      const before = Date.now();
      const own = await api.get<AdminHealth>("/admin/health", { signal });
      const after = Date.now();
      const clockAheadMs = Date.parse(own.time) - (before + after) / 2;
      setSeen((old) => ({ ...old, clockAheadMs, clockErrorMs: (after - before) / 2 }));
      return own;
    },
    [round],
  );
  useEffect(() => {
    const abort = new AbortController();
    setSeen(observedAtOnce());
    observe(abort.signal, (finding) => setSeen((old) => ({ ...old, ...finding })));
    return () => abort.abort();
  }, [round]);
  return (
    <>
      <PageTitle
        title={t("Health")}
        intro={t(
          "Tested from this browser, which sees what clients on its network see, and by the gateway itself.",
        )}
      >
        <button type="button" onClick={() => setRound(round + 1)}>
          {t("Test again")}
        </button>
      </PageTitle>
      <Loading of={health}>{(own) => <Findings health={own} list={checks(own, seen, Date.now())} />}</Loading>
    </>
  );
}

function Findings({ health, list }: { readonly health: AdminHealth; readonly list: readonly Check[] }) {
  const verdict = overall(list);
  const words = summary(verdict);
  useEffect(() => announce(words), [words]);
  return (
    <>
      <Notice tone={TONES[verdict]} title={words} />
      <ul class="plain checks">
        {list.map((check) => (
          <Finding key={check.id} check={check} />
        ))}
      </ul>
      <section class="panel">
        <h2>{t("Figures")}</h2>
        <dl class="facts">
          <dt>{t("Version")}</dt>
          <dd>{health.version}</dd>
          <dt>{t("Started")}</dt>
          <dd>
            <Time at={health.startedAt} />
          </dd>
          <dt>{t("Processes")}</dt>
          <dd>{health.workers}</dd>
          <dt>{t("Workspaces online")}</dt>
          <dd>{health.online}</dd>
          <dt>{t("Open connections")}</dt>
          <dd>{health.streams}</dd>
          <dt>{t("Downloads of programs")}</dt>
          <dd>{health.downloads ? t("offered") : t("not offered")}</dd>
        </dl>
      </section>
    </>
  );
}

const TONES = { good: "good", warning: "warning", bad: "danger", running: "info", info: "info" } as const;

function summary(verdict: Verdict): string {
  switch (verdict) {
    case "bad":
      return t("Something does not work.");
    case "warning":
      return t("Works, but look at the warnings.");
    case "running":
      return t("Being tested…");
    default:
      return t("All is well.");
  }
}

function Finding({ check: { title, verdict, found, advice } }: { readonly check: Check }) {
  return (
    <li class="panel check">
      <div class="panel-head">
        <h2>{title}</h2>
        <VerdictBadge verdict={verdict} />
      </div>
      <p>{found}</p>
      {advice !== undefined && (
        <p>
          <strong>{t("What to do:")}</strong> {advice}
        </p>
      )}
    </li>
  );
}

function VerdictBadge({ verdict }: { readonly verdict: Verdict }) {
  switch (verdict) {
    case "good":
      return <Badge tone="good">{t("Good")}</Badge>;
    case "warning":
      return <Badge tone="warning">{t("Warning")}</Badge>;
    case "bad":
      return <Badge tone="danger">{t("Fails")}</Badge>;
    case "running":
      return <Badge tone="neutral">{t("Being tested…")}</Badge>;
    case "info":
      return <Badge tone="neutral">{t("Note")}</Badge>;
  }
}
