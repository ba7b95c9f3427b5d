// Why somebody came back from a provider without what they wanted. Everybody can write the address of a page, so that its
// `error` chooses among texts of ours, and nothing of it is shown.

import { Notice } from "../../parts/notice.tsx";
import { t } from "../../words.ts";

/** `code`: of the query; null: there is none. */
export function Refused({ code }: { readonly code: string | null }) {
  const text = code === null ? undefined : reason(code);
  return text === undefined ? null : <Notice tone="danger">{text}</Notice>;
}

function reason(code: string): string | undefined {
  switch (code) {
    case "sign_in_refused":
      return t("The gateway does not let you in. Ask the person who runs it.");
    case "provider_unavailable":
      return t("The identity provider does not answer. Try again in a moment, or choose a different way.");
    case "account_disabled":
      return t("Your account is disabled. Ask the person who runs the gateway.");
    case "identity_mismatch":
      return t("That is a different person at the identity provider.");
    case "reauthentication_required":
    case "unauthenticated":
    case "token_revoked":
      return t("That needs a fresh sign-in. Sign in, and try it once more.");
    default:
      return /^[a-z_]{1,40}$/.test(code) ? t("Signing in did not work. Try it once more.") : undefined;
  }
}

/** Why the session that was in this browser is over. `code`: undefined: none was, or the person has signed out. */
export function Ended({ code }: { readonly code: string | undefined }) {
  switch (code) {
    case undefined:
      return null;
    case "account_disabled":
      return <Notice tone="danger">{t("You were signed out: your account is disabled.")}</Notice>;
    case "token_revoked":
      return <Notice tone="warning">{t("You were signed out: this sign-in was ended.")}</Notice>;
    default:
      return <Notice>{t("You were signed out: your sign-in has expired.")}</Notice>;
  }
}
