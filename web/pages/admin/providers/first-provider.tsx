// What to do where no identity provider is configured.

import { BASE } from "../../../base.ts";
import { CopyField } from "../../../parts/copy.tsx";
import { EmptyState } from "../../../parts/empty-state.tsx";
import { t } from "../../../words.ts";

const OPTIONS =
  "--oidc-issuer https://id.example.com --oidc-client-id sallyport --oidc-client-secret-file /etc/sallyport/oidc-secret";

export function FirstProvider() {
  return (
    <EmptyState title={t("No identity provider is configured")}>
      <p>
        {t(
          "People sign in with access tokens, passkeys and one-use links, which need no provider. To let them sign in with the accounts of your organisation:",
        )}
      </p>
      <ol class="steps">
        <li>
          <p>
            {t(
              "Register this gateway at the provider as a web application with this redirect URI. “oidc” is the id that these options give it.",
            )}
          </p>
          <CopyField label={t("Redirect URI")} value={`${location.origin}${BASE}/sign-in/callback/oidc`} />
        </li>
        <li>
          <p>{t("Start the gateway with these three options in addition, with the provider's values.")}</p>
          <CopyField label={t("Options")} value={OPTIONS} />
        </li>
        <li>
          <p>{t("Come back here and test it: the page shows which claims come, and which rule decides.")}</p>
        </li>
      </ol>
      <p class="muted">
        {t("Several providers, GitHub, groups and domains: {0} in the documentation.", "docs/accounts.md")}
      </p>
    </EmptyState>
  );
}
