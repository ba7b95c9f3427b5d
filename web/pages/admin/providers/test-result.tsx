// What a test of an identity provider brought: whether these claims may sign in, by which rule, and the claims themselves.

import { PAGES } from "../../../../protocol/sign-in/pages.ts";
import type { ProviderTest } from "../../../../protocol/sign-in/provider-api.ts";
import { api } from "../../../api.ts";
import { useLoad } from "../../../load.ts";
import { Loading } from "../../../parts/busy.tsx";
import { Link } from "../../../parts/link.tsx";
import { Notice } from "../../../parts/notice.tsx";
import { Table } from "../../../parts/table.tsx";
import { Time } from "../../../time.tsx";
import { t } from "../../../words.ts";

export function TestResult({ id }: { readonly id: string }) {
  const test = useLoad(
    (signal) => api.get<ProviderTest>(`/admin/providers/${encodeURIComponent(id)}/test`, { signal }),
    [id],
  );
  return (
    <section class="panel" aria-labelledby="test-result">
      <div class="panel-head">
        <h2 id="test-result">{t("Test of {0}", id)}</h2>
        <Link to={PAGES.providers}>{t("Close the result")}</Link>
      </div>
      <Loading of={test}>{(result) => <Result result={result} />}</Loading>
    </section>
  );
}

function Result({ result }: { readonly result: ProviderTest }) {
  const { error, allowed, rule, admin, accountName, warnings, claims, truncated } = result;
  if (error !== null) {
    return (
      <Notice tone="danger" title={t("Nothing came from the provider.")}>
        <p>{error.message}</p>
        <p class="muted">{t("Code: {0}", error.code)}</p>
      </Notice>
    );
  }
  return (
    <>
      <Notice
        tone={allowed ? "good" : "danger"}
        title={
          allowed
            ? t("Somebody with these claims may sign in.")
            : t("Somebody with these claims may not sign in.")
        }
      >
        <p>{t("What decided: {0}", rule)}</p>
      </Notice>
      {warnings.map((warning) => (
        <Notice key={warning} tone="warning">
          {warning}
        </Notice>
      ))}
      <dl class="facts">
        <dt>{t("Role")}</dt>
        <dd>{admin === null ? t("This gateway decides.") : admin ? t("Administrator") : t("Member")}</dd>
        <dt>{t("Name of a new account")}</dt>
        <dd>{accountName ?? t("The person is asked.")}</dd>
        <dt>{t("Issuer")}</dt>
        <dd>{result.issuer}</dd>
        <dt>{t("Subject")}</dt>
        <dd class="code">{result.subject}</dd>
        <dt>{t("Tested")}</dt>
        <dd>
          <Time at={result.at} />
        </dd>
      </dl>
      <Table
        caption={t("Claims that came")}
        rows={claims}
        rowKey={({ name, from }) => `${from} ${name}`}
        columns={[
          { title: t("Claim"), kind: "main", cell: ({ name }) => <span class="code">{name}</span> },
          { title: t("Value"), cell: ({ value }) => <span class="code">{value}</span> },
          {
            title: t("From"),
            cell: ({ from }) => (from === "id_token" ? t("ID token") : t("User info")),
          },
        ]}
      />
      {truncated && <p class="muted">{t("More claims came than are shown here.")}</p>}
    </>
  );
}
