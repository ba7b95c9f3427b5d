// The ways to sign in that a gateway has: identity providers, passkeys, and access tokens behind a click.

import { useEffect, useState } from "preact/hooks";
import type { SessionInfo, SignInMethods } from "../../../protocol/sign-in/api.ts";
import { api } from "../../api.ts";
import { withBase } from "../../base.ts";
import { useAction } from "../../load.ts";
import { Form, TextField } from "../../parts/form.tsx";
import { ErrorNotice, Notice } from "../../parts/notice.tsx";
import { hasPasskeys, offersPasskeysInFields, signInByPasskey } from "../../sign-in/passkeys.ts";
import { t } from "../../words.ts";

/** Where a provider's sign-in begins, with the base. `back`: where the person comes back to. */
export function startPath(provider: string, back: string, purpose?: "link" | "invitation"): string {
  const query = new URLSearchParams({ return: back, ...(purpose === undefined ? {} : { purpose }) });
  return withBase(`/sign-in/start/${encodeURIComponent(provider)}?${query}`);
}

export interface WaysProps {
  readonly methods: SignInMethods;
  /** Where the person goes afterwards: `safeReturnPath` has looked at it. */
  readonly back: string;
  readonly done: (info: SessionInfo) => void;
}

export function Ways({ methods, back, done }: WaysProps) {
  const passkeys = methods.passkeys && hasPasskeys();
  const onlyTokens = methods.providers.length === 0 && !passkeys;
  const byPasskey = useAction(async () => done(await signInByPasskey()));
  if (!methods.cookies) return <NoCookies />;
  return (
    <div class="ways">
      {methods.providers.map(({ id, label }, index) => (
        <a key={id} class={index === 0 ? "button primary wide" : "button wide"} href={startPath(id, back)}>
          {t("Continue with {0}", label)}
        </a>
      ))}
      {passkeys && (
        <button
          type="button"
          class={methods.providers.length === 0 ? "primary wide" : "wide"}
          disabled={byPasskey.busy}
          onClick={() => void byPasskey.run()}
        >
          {t("Use a passkey")}
        </button>
      )}
      <ErrorNotice error={byPasskey.error} />
      {onlyTokens ? (
        <>
          <p class="muted">
            {t("This gateway has no identity provider. The person who runs it can give you an access token.")}
          </p>
          <ByToken done={done} passkeys={false} />
        </>
      ) : (
        <TokenBehindClick done={done} passkeys={passkeys} />
      )}
    </div>
  );
}

function NoCookies() {
  return (
    <Notice tone="warning" title={t("This gateway needs https")}>
      <p>
        {t(
          "Browsers keep nobody signed in over plain http. The gateway needs a certificate and a public URL that begins with https.",
        )}
      </p>
      <p>
        {t(
          "For the person who runs it: {0}, or a proxy with a certificate and {1}.",
          "--acme",
          "--public-url",
        )}
      </p>
    </Notice>
  );
}

interface TokenProps {
  readonly done: (info: SessionInfo) => void;
  /** Whether the browser may suggest passkeys in the field. */
  readonly passkeys: boolean;
}

function TokenBehindClick(props: TokenProps) {
  const [open, setOpen] = useState(false);
  return (
    <details onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>{t("Use an access token")}</summary>
      {open && <ByToken {...props} />}
    </details>
  );
}

function ByToken({ done, passkeys }: TokenProps) {
  const [token, setToken] = useState("");
  useEffect(() => {
    if (!passkeys) return;
    // The suggestion waits until the person takes it, or the page goes on; then it ends without a word.
    offersPasskeysInFields()
      .then(async (offers) => offers && done(await signInByPasskey(true)))
      .catch(() => undefined);
  }, [passkeys]);
  return (
    <Form
      submit={t("Sign in")}
      onSubmit={async () =>
        done(await api.post<SessionInfo>("/session/token", { token: token.trim() }, { quiet: true }))
      }
    >
      <TextField
        label={t("Access token")}
        name="token"
        type="password"
        code
        autocomplete={passkeys ? "current-password webauthn" : "current-password"}
        hint={
          <>
            {t("It begins with spt_. To make one:")} <code>sallyport token create</code>
          </>
        }
        value={token}
        onInput={setToken}
      />
    </Form>
  );
}
