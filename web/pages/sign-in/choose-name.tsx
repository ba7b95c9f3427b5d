// Somebody signed in by a provider for the first time, and chooses the name of the new account.

import { useState } from "preact/hooks";
import type { PendingAccount } from "../../../protocol/sign-in/api.ts";
import { PAGES } from "../../../protocol/sign-in/pages.ts";
import { safeReturnPath } from "../../../protocol/sign-in/return-path.ts";
import { api } from "../../api.ts";
import { useLoad } from "../../load.ts";
import { Loading } from "../../parts/busy.tsx";
import { Form, TextField } from "../../parts/form.tsx";
import { Link } from "../../parts/link.tsx";
import { PageTitle } from "../../parts/page-title.tsx";
import { go, type PageProps } from "../../router.ts";
import { loadSession } from "../../session.ts";
import { t } from "../../words.ts";

export function ChooseNamePage({ query }: PageProps) {
  const pending = useLoad((signal) => api.get<PendingAccount>("/session/name", { signal, quiet: true }), []);
  return (
    <>
      <PageTitle title={t("Choose a name")} />
      <Loading of={pending}>
        {(account) => <NameForm account={account} back={safeReturnPath(query.get("return"))} />}
      </Loading>
      {pending.error !== undefined && (
        <p>
          <Link to={PAGES.signIn}>{t("Sign in once more")}</Link>
        </p>
      )}
    </>
  );
}

function NameForm({ account, back }: { readonly account: PendingAccount; readonly back: string }) {
  const [name, setName] = useState(account.suggestion);
  return (
    <>
      <p>{t("You signed in as {0}, for the first time. Your account here gets a name.", account.display)}</p>
      <Form
        submit={t("Make the account")}
        onSubmit={async () => {
          await api.post("/session/name", { name }, { quiet: true });
          await loadSession();
          go(back, "replace");
        }}
      >
        <NameField value={name} onInput={setName} />
      </Form>
    </>
  );
}

export function NameField(props: { readonly value: string; readonly onInput: (value: string) => void }) {
  return (
    <TextField
      {...props}
      label={t("Name")}
      name="name"
      code
      autocomplete="username"
      maxLength={40}
      hint={t("1 to 40 characters: a-z, 0-9 and hyphens, with no hyphen at the start or the end.")}
    />
  );
}
