// A one-use link was opened. Nothing happens until the person presses a button, so that nobody is signed in by a link that
// somebody else sent them.

import { useState } from "preact/hooks";
import type { OpenedInvitation, SessionInfo, SignInMethods } from "../../../protocol/sign-in/api.ts";
import { PAGES } from "../../../protocol/sign-in/pages.ts";
import { api } from "../../api.ts";
import { unfollowWorkspaces } from "../../events.ts";
import { useLoad } from "../../load.ts";
import { Loading } from "../../parts/busy.tsx";
import { Form } from "../../parts/form.tsx";
import { Link } from "../../parts/link.tsx";
import { Notice } from "../../parts/notice.tsx";
import { PageTitle } from "../../parts/page-title.tsx";
import { go, linkCode } from "../../router.ts";
import { session } from "../../session.ts";
import { hasPasskeys, makePasskey, type NewPasskeyOptions } from "../../sign-in/passkeys.ts";
import { Time } from "../../time.tsx";
import { t } from "../../words.ts";
import { NameField } from "./choose-name.tsx";
import { startPath } from "./ways.tsx";

export function WelcomePage() {
  const code = linkCode.value;
  return (
    <>
      <PageTitle title={t("Welcome")} />
      {code === "" ? <NoCode /> : <Opened key={code} code={code} />}
    </>
  );
}

function NoCode() {
  return (
    <>
      <p>{t("This page belongs to a link that works once. Open the link again, or ask for a new one.")}</p>
      <p>
        <Link to={PAGES.signIn}>{t("Sign in")}</Link>
      </p>
    </>
  );
}

function Opened({ code }: { readonly code: string }) {
  const opened = useLoad(
    (signal) => api.post<OpenedInvitation>("/invitations/open", { code }, { signal, quiet: true }),
    [code],
  );
  return (
    <>
      <Loading of={opened}>
        {(invitation) => (
          <>
            <Elsewhere />
            {invitation.kind === "account" && <MakeAccount code={code} invitation={invitation} />}
            {invitation.kind === "sign-in" && <SignInByLink code={code} invitation={invitation} />}
            {invitation.kind === "identity" && <TakeOver code={code} invitation={invitation} />}
            <dl class="facts">
              <dt>{t("Link from")}</dt>
              <dd>{invitation.createdBy}</dd>
              <dt>{t("Works once, until")}</dt>
              <dd>
                <Time at={invitation.expiresAt} />
              </dd>
            </dl>
          </>
        )}
      </Loading>
      {opened.error !== undefined && <NoCode />}
    </>
  );
}

/** Somebody is signed in already. */
function Elsewhere() {
  const name = session.value?.account.name;
  if (name === undefined) return null;
  return (
    <Notice tone="warning">
      {t("You are signed in as {0} in this browser. That ends if you go on.", name)}
    </Notice>
  );
}

interface StepProps {
  readonly code: string;
  readonly invitation: OpenedInvitation;
}

function SignInByLink({ code, invitation }: StepProps) {
  const { name } = invitation;
  return (
    <>
      <p>{t("This link signs this browser in as {0}.", name ?? "")}</p>
      <Form
        submit={t("Sign in as {0}", name ?? "")}
        onSubmit={async () => finish(await api.post<SessionInfo>("/session/link", { code }, { quiet: true }))}
      >
        <p class="muted">{t("Press the button only if you asked for this link.")}</p>
      </Form>
    </>
  );
}

function MakeAccount({ invitation }: StepProps) {
  const [name, setName] = useState(invitation.name ?? "");
  return (
    <>
      <p>{t("You are invited to this gateway. You sign in with a passkey: there is no password.")}</p>
      {hasPasskeys() ? (
        <Form
          submit={t("Make the account")}
          onSubmit={async () => {
            // The gateway has kept in this browser which link was opened.
            const wanted = invitation.name === null ? { name } : {};
            const { options } = await api.post<NewPasskeyOptions>("/invitations/accept/options", wanted, {
              quiet: true,
            });
            const body = { response: await makePasskey(options), title: t("First passkey") };
            finish(await api.post<SessionInfo>("/invitations/accept", body, { quiet: true }));
          }}
        >
          {invitation.name === null ? (
            <NameField value={name} onInput={setName} />
          ) : (
            <p>{t("Your account here is called {0}.", invitation.name)}</p>
          )}
        </Form>
      ) : (
        <Notice tone="warning">{t("This browser has no passkeys. Open the link in one that has.")}</Notice>
      )}
      <Providers or />
    </>
  );
}

function TakeOver({ invitation }: StepProps) {
  return (
    <>
      <p>
        {t(
          "Sign in once by an identity provider. From then on it opens the account {0}.",
          invitation.name ?? "",
        )}
      </p>
      <Providers />
    </>
  );
}

/** With the invitation that was opened. `or`: there is a different way above. */
function Providers({ or = false }: { readonly or?: boolean }) {
  const methods = useLoad(
    (signal) => api.get<SignInMethods>("/sign-in-methods", { signal, quiet: true }),
    [],
  );
  return (
    <Loading of={methods}>
      {({ providers }) =>
        providers.length > 0 && (
          <div class="ways">
            {or && <p class="or">{t("or")}</p>}
            {providers.map(({ id, label }) => (
              <a key={id} class="button wide" href={startPath(id, PAGES.workspaces, "invitation")}>
                {t("Continue with {0}", label)}
              </a>
            ))}
          </div>
        )
      }
    </Loading>
  );
}

function finish(info: SessionInfo): void {
  // What is known belongs to whoever was signed in before.
  unfollowWorkspaces();
  linkCode.value = "";
  session.value = info;
  go(PAGES.workspaces, "replace");
}
