// One identity provider.

import type { ComponentChildren } from "preact";
import { PAGES } from "../../../../protocol/sign-in/pages.ts";
import type { ProviderStatus } from "../../../../protocol/sign-in/provider-api.ts";
import { withBase } from "../../../base.ts";
import { Badge } from "../../../parts/badge.tsx";
import { CopyField } from "../../../parts/copy.tsx";
import { Notice } from "../../../parts/notice.tsx";
import { Time } from "../../../time.tsx";
import { t } from "../../../words.ts";

export function Provider({ provider }: { readonly provider: ProviderStatus }) {
  const { id, label, kind, state, checkedAt, problem } = provider;
  const back = `${PAGES.providers}?${new URLSearchParams({ test: id })}`;
  const test = `/sign-in/start/${encodeURIComponent(id)}?${new URLSearchParams({ purpose: "test", return: back })}`;
  return (
    <section class="panel" aria-labelledby={`provider-${id}`}>
      <div class="panel-head">
        <h2 id={`provider-${id}`}>{label}</h2>
        <State state={state} />
      </div>
      {problem !== null && (
        <Notice tone="warning" title={t("The gateway cannot use this provider now.")}>
          <p>{problem}</p>
          <p>{t("People who are signed in stay signed in.")}</p>
        </Notice>
      )}
      <dl class="facts">
        <Fact title={t("Id")}>
          <span class="code">{id}</span>
        </Fact>
        <Fact title={t("Kind")}>{kind === "github" ? "GitHub" : "OpenID Connect"}</Fact>
        <Fact title={t("Issuer")}>{provider.issuer}</Fact>
        <Fact title={t("Client ID")}>
          <span class="code">{provider.clientId}</span>
        </Fact>
        <Fact title={t("Scopes")}>{provider.scopes.join(" ")}</Fact>
        <Fact title={t("Who may sign in")}>
          <WhoMay provider={provider} />
        </Fact>
        <Fact title={t("Administrators")}>
          {provider.adminGroups.length === 0
            ? t("This gateway decides: see People.")
            : t("Members of {0}", provider.adminGroups.join(", "))}
        </Fact>
        <Fact title={t("Claim with groups")}>
          <span class="code">{provider.groupsClaim}</span>
        </Fact>
        <Fact title={t("Checked")}>
          <Time at={checkedAt} never={t("not yet")} />
        </Fact>
      </dl>
      <h3>{t("To register at the provider")}</h3>
      <CopyField label={t("Redirect URI")} value={provider.redirectUri} />
      {provider.backChannelLogoutUri !== null && (
        <CopyField label={t("Back-channel logout URI")} value={provider.backChannelLogoutUri} />
      )}
      {provider.afterSignOutUri !== null && (
        <CopyField label={t("Post-logout redirect URI")} value={provider.afterSignOutUri} />
      )}
      <div class="actions">
        <a class="button primary" href={withBase(test)}>
          {t("Test {0}", label)}
        </a>
        <span class="muted">{t("You sign in there. Nothing changes here, and you see what came.")}</span>
      </div>
    </section>
  );
}

function State({ state }: { readonly state: ProviderStatus["state"] }) {
  switch (state) {
    case "ready":
      return <Badge tone="good">{t("Reachable")}</Badge>;
    case "unreachable":
      return <Badge tone="danger">{t("Unreachable")}</Badge>;
    case "unknown":
      return <Badge tone="neutral">{t("Not asked yet")}</Badge>;
  }
}

function Fact({ title, children }: { readonly title: string; readonly children: ComponentChildren }) {
  return (
    <>
      <dt>{title}</dt>
      <dd>{children}</dd>
    </>
  );
}

function WhoMay({
  provider: { allowDomains, allowGroups, denyGroups },
}: {
  readonly provider: ProviderStatus;
}) {
  const rules = [
    ...(allowDomains.length === 0 ? [] : [t("Verified e-mail addresses at {0}", allowDomains.join(", "))]),
    ...(allowGroups.length === 0 ? [] : [t("Members of {0}", allowGroups.join(", "))]),
    ...(denyGroups.length === 0 ? [] : [t("Never: members of {0}", denyGroups.join(", "))]),
  ];
  if (allowDomains.length === 0 && allowGroups.length === 0)
    rules.unshift(t("Everybody whom the provider signs in"));
  return (
    <ul class="plain">
      {rules.map((rule) => (
        <li key={rule}>{rule}</li>
      ))}
    </ul>
  );
}
