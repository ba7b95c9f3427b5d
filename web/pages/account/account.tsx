// The account of the person: how they sign in, and how this browser shows the dashboard.

import { useState } from "preact/hooks";
import { Badge } from "../../parts/badge.tsx";
import { Confirm } from "../../parts/dialog.tsx";
import { PageTitle } from "../../parts/page-title.tsx";
import type { PageProps } from "../../router.ts";
import { session } from "../../session.ts";
import { signOut, signOutEverywhere } from "../../sign-in/sign-out.ts";
import { Time } from "../../time.tsx";
import { t } from "../../words.ts";
import { Refused } from "../sign-in/refused.tsx";
import { Appearance } from "./appearance.tsx";
import { Identities } from "./identities.tsx";
import { Passkeys } from "./passkeys.tsx";

export function AccountPage({ query }: PageProps) {
  const info = session.value;
  if (!info) return null;
  const { account } = info;
  return (
    <>
      <PageTitle title={t("Account")} />
      <Refused code={query.get("error")} />
      <section class="panel">
        <h2>{account.name}</h2>
        <dl class="facts">
          <dt>{t("Role")}</dt>
          <dd>
            {account.admin ? (
              <Badge tone="accent">{t("Administrator")}</Badge>
            ) : (
              <Badge tone="neutral">{t("Member")}</Badge>
            )}
          </dd>
          <dt>{t("Account since")}</dt>
          <dd>
            <Time at={account.createdAt} />
          </dd>
          <dt>{t("Last proved who you are")}</dt>
          <dd>
            <Time at={info.authenticatedAt} />
          </dd>
          <dt>{t("Signed in here until")}</dt>
          <dd>
            <Time at={info.expiresAt} />
          </dd>
        </dl>
      </section>
      <Passkeys />
      <Identities />
      <Appearance />
      <SignOut />
    </>
  );
}

function SignOut() {
  const [asks, setAsks] = useState(false);
  return (
    <section class="panel">
      <h2>{t("Sign out")}</h2>
      <div class="actions">
        <button type="button" onClick={() => void signOut()}>
          {t("Sign out of this browser")}
        </button>
        <button type="button" class="danger-text" onClick={() => setAsks(true)}>
          {t("Sign out everywhere")}
        </button>
      </div>
      {asks && (
        <Confirm
          title={t("Sign out everywhere")}
          action={t("Sign out everywhere")}
          danger
          onConfirm={signOutEverywhere}
          onClose={() => setAsks(false)}
        >
          <p>
            {t(
              "All browsers, editors and command lines that are signed in as you are signed out, and their connections end. Access tokens and SSH keys stay as they are.",
            )}
          </p>
        </Confirm>
      )}
    </section>
  );
}
