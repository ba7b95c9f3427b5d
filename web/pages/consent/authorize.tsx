// A program asks to act for the person (the authorization endpoint of OAuth 2.0). The gateway judges the request; this page
// shows what it asks for, and goes where the gateway says only after the person has decided.

import { useEffect, useState } from "preact/hooks";
import type { Static } from "typebox";
import { EDITOR_SCHEMES, type OAuthScope } from "../../../protocol/sign-in/oauth.ts";
import type {
  AuthorizationDecision,
  AuthorizationPrompt,
  AuthorizationQuestion,
} from "../../../protocol/sign-in/oauth-api.ts";
import { ApiError, api } from "../../api.ts";
import { useAction, useLoad } from "../../load.ts";
import { Loading } from "../../parts/busy.tsx";
import { ErrorNotice } from "../../parts/notice.tsx";
import { PageTitle } from "../../parts/page-title.tsx";
import { here } from "../../router.ts";
import { t } from "../../words.ts";
import { clientName } from "./client-name.ts";
import { Answers, ScopeChoice } from "./decision.tsx";
import { Person } from "./person.tsx";

export function AuthorizePage() {
  // As it stands in the address: the gateway checks each parameter.
  const { search: query } = here.value;
  const prompt = useLoad(
    (signal) =>
      api.post<Static<typeof AuthorizationQuestion>>("/authorizations/prompt", { query }, { signal }),
    [query],
  );
  const [redirect, setRedirect] = useState<string>();
  if (redirect !== undefined) return <Done redirect={redirect} />;
  return (
    <>
      <PageTitle title={t("Allow access")} />
      <Loading of={prompt}>
        {(asked) =>
          "redirect" in asked ? (
            <Refused redirect={asked.redirect} onRedirect={setRedirect} />
          ) : (
            <Decide query={query} prompt={asked} onRedirect={setRedirect} />
          )
        }
      </Loading>
      {prompt.error !== undefined && (
        <p>{t("Nothing was allowed. Go back to the program, and begin to sign in again.")}</p>
      )}
    </>
  );
}

interface DecideProps {
  readonly query: string;
  readonly prompt: AuthorizationPrompt;
  readonly onRedirect: (redirect: string) => void;
}

function Decide({ query, prompt, onRedirect }: DecideProps) {
  const [scopes, setScopes] = useState<readonly OAuthScope[]>(prompt.scopes);
  const decide = useAction(async (allow: boolean) => {
    const body = { query, allow, ...(allow ? { scopes } : {}) };
    const { redirect } = await api.post<Static<typeof AuthorizationDecision>>("/authorizations", body);
    leave(redirect);
    onRedirect(redirect);
  });
  return (
    <>
      <p>{t("{0} asks to act for you at this gateway.", clientName(prompt.client))}</p>
      <dl class="facts">
        <dt>{t("Calls itself")}</dt>
        <dd>{prompt.device}</dd>
        <dt>{t("The answer goes to")}</dt>
        <dd>{place(prompt.redirectTo)}</dd>
        <dt>{t("Your account")}</dt>
        <dd>
          <Person />
        </dd>
      </dl>
      <ScopeChoice asked={prompt.scopes} allowed={scopes} onChange={setScopes} />
      <p class="muted">{t("Allow it only if you have just begun to sign in from this program.")}</p>
      <Answers decide={decide} allowed={scopes} no={t("Cancel")} />
    </>
  );
}

/** The program asked for what no gateway gives, and is told so. */
function Refused({
  redirect,
  onRedirect,
}: Omit<DecideProps, "query" | "prompt"> & { readonly redirect: string }) {
  const answer = useAction(async () => {
    leave(redirect);
    onRedirect(redirect);
  });
  useEffect(() => void answer.run(), []);
  return <ErrorNotice error={answer.error} />;
}

/** @throws ApiError bad_url */
function leave(redirect: string): void {
  if (!isClientUrl(redirect)) {
    throw new ApiError("bad_url", t("The gateway named an address that no program of Sallyport has."));
  }
  location.replace(redirect);
}

/** An editor's address opens the editor and leaves this page where it is. */
function Done({ redirect }: { readonly redirect: string }) {
  const opensEditor = !redirect.startsWith("http:");
  return (
    <>
      <PageTitle title={opensEditor ? t("Back to your editor") : t("Back to the program")} />
      <p>{t("You can close this tab.")}</p>
      {opensEditor && (
        <p>
          <a class="button primary" href={redirect}>
            {t("Open your editor")}
          </a>
        </p>
      )}
    </>
  );
}

function place(redirectTo: string): string {
  return /^(?:127\.0\.0\.1|\[?::1\]?|localhost)$/.test(redirectTo)
    ? t("a program on this computer ({0})", redirectTo)
    : t("the editor {0} on this computer", redirectTo);
}

/** The gateway says where to go; that it is never a website is checked here once more. */
function isClientUrl(redirect: string): boolean {
  if (!URL.canParse(redirect)) return false;
  const { protocol, hostname } = new URL(redirect);
  if (protocol === "http:") return hostname === "127.0.0.1" || hostname === "[::1]";
  return EDITOR_SCHEMES.some((scheme) => protocol === `${scheme}:`);
}
