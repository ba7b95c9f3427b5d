// Signing in, by every way that the gateway has. Afterwards the person is where they wanted to go.

import { useEffect } from "preact/hooks";
import type { SignInMethods } from "../../../protocol/sign-in/api.ts";
import { safeReturnPath } from "../../../protocol/sign-in/return-path.ts";
import { api } from "../../api.ts";
import { useLoad } from "../../load.ts";
import { Loading } from "../../parts/busy.tsx";
import { Link } from "../../parts/link.tsx";
import { PageTitle } from "../../parts/page-title.tsx";
import { go, type PageProps } from "../../router.ts";
import { ended, session } from "../../session.ts";
import { t } from "../../words.ts";
import { Ended, Refused } from "./refused.tsx";
import { Ways } from "./ways.tsx";

export function SignInPage({ query }: PageProps) {
  const back = safeReturnPath(query.get("return"));
  const methods = useLoad(
    (signal) => api.get<SignInMethods>("/sign-in-methods", { signal, quiet: true }),
    [],
  );
  const signedIn = session.value;
  const error = query.get("error");
  // People who are signed in come here only if they failed to prove it again.
  const goesOn = Boolean(signedIn) && error === null;
  useEffect(() => {
    if (!goesOn) return;
    ended.value = undefined;
    go(back, "replace");
  }, [goesOn, back]);
  return (
    <>
      <PageTitle title={t("Sign in")} intro={t("To the gateway {0}", location.host)} />
      <Refused code={error} />
      <Ended code={ended.value} />
      {signedIn && (
        <p>
          <Link to={back}>{t("Go back without it")}</Link>
        </p>
      )}
      <Loading of={methods}>
        {(known) => (
          <Ways
            methods={known}
            back={back}
            done={(info) => {
              session.value = info;
              go(back, "replace");
            }}
          />
        )}
      </Loading>
    </>
  );
}
