// The dialog that asks people to prove again who they are, before something that a stolen browser session must not do.

import { useState } from "preact/hooks";
import type { SessionInfo, SignInMethods } from "../../../protocol/sign-in/api.ts";
import { api } from "../../api.ts";
import { withBase } from "../../base.ts";
import { useAction, useLoad } from "../../load.ts";
import { Loading } from "../../parts/busy.tsx";
import { Dialog } from "../../parts/dialog.tsx";
import { Form, TextField } from "../../parts/form.tsx";
import { ErrorNotice } from "../../parts/notice.tsx";
import { currentPath } from "../../router.ts";
import { session } from "../../session.ts";
import { hasPasskeys, signInByPasskey } from "../../sign-in/passkeys.ts";
import { t } from "../../words.ts";

export function AgainDialog({ settle }: { readonly settle: (proved: boolean) => void }) {
  const methods = useLoad(
    (signal) => api.get<SignInMethods>("/sign-in-methods", { signal, quiet: true }),
    [],
  );
  const done = (info: SessionInfo): void => {
    session.value = info;
    settle(true);
  };
  return (
    <Dialog title={t("Confirm that it is you")} onClose={() => settle(false)}>
      <p>{t("This needs a fresh sign-in. It then holds for ten minutes.")}</p>
      <Loading of={methods}>{(known) => <Ways methods={known} done={done} />}</Loading>
    </Dialog>
  );
}

function Ways({
  methods,
  done,
}: {
  readonly methods: SignInMethods;
  readonly done: (info: SessionInfo) => void;
}) {
  const passkey = useAction(async () => done(await signInByPasskey()));
  const [token, setToken] = useState("");
  const back = currentPath();
  return (
    <div class="ways">
      {methods.passkeys && hasPasskeys() && (
        <button type="button" class="primary wide" disabled={passkey.busy} onClick={() => void passkey.run()}>
          {t("Use a passkey")}
        </button>
      )}
      <ErrorNotice error={passkey.error} />
      {methods.providers.map(({ id, label }) => (
        <a
          key={id}
          class="button wide"
          href={withBase(
            `/sign-in/start/${encodeURIComponent(id)}?${new URLSearchParams({ return: back, purpose: "again" })}`,
          )}
        >
          {t("Continue with {0}", label)}
        </a>
      ))}
      <details>
        <summary>{t("Use an access token")}</summary>
        <Form
          submit={t("Confirm")}
          onSubmit={async () =>
            done(await api.post<SessionInfo>("/session/token", { token }, { quiet: true }))
          }
        >
          <TextField
            label={t("Access token")}
            name="token"
            type="password"
            value={token}
            onInput={setToken}
          />
        </Form>
      </details>
    </div>
  );
}
