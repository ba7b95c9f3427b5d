// Signing in, by every way that the gateway has. Afterwards the person is where they wanted to go.

import { useEffect } from "preact/hooks";
import type { SignInMethods } from "../../../protocol/sign-in/api.ts";
import { safeReturnPath } from "../../../protocol/sign-in/return-path.ts";
import { api } from "../../api.ts";
import { useLoad } from "../../load.ts";
import { Loading } from "../../parts/busy.tsx";
import { Notice } from "../../parts/notice.tsx";
import { PageTitle } from "../../parts/page-title.tsx";
import { go, type PageProps } from "../../router.ts";
import { session } from "../../session.ts";
import { t } from "../../words.ts";
import { Ways } from "./ways.tsx";

export function SignInPage({ query }: PageProps) {
  const back = safeReturnPath(query.get("return"));
  const methods = useLoad(
    (signal) => api.get<SignInMethods>("/sign-in-methods", { signal, quiet: true }),
    [],
  );
  const signedIn = session.value;
  useEffect(() => {
    if (signedIn) go(back, "replace");
  }, [signedIn, back]);
  return (
    <>
      <PageTitle title={t("Sign in")} intro={t("To the gateway {0}", location.host)} />
      <Refused code={query.get("error")} />
      <Loading of={methods}>
        {(known) => (
          <Ways
            methods={known}
            back={back}
            done={(info) => {
              session.value = info;
            }}
          />
        )}
      </Loading>
    </>
  );
}

/** Why signing in by a provider failed. Everybody can write the address, so that it chooses among texts of ours only. */
function Refused({ code }: { readonly code: string | null }) {
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
    default:
      return /^[a-z_]{1,40}$/.test(code) ? t("Signing in did not work. Try it once more.") : undefined;
  }
}
