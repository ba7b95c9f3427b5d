// Makes an access token for somebody else's account, such as for a person's first sign-in.

import { useState } from "preact/hooks";
import type { CreateAccessToken, CreatedAccessToken } from "../../../../protocol/api.ts";
import type { Person } from "../../../../protocol/sign-in/api.ts";
import { api } from "../../../api.ts";
import { SecretOnce } from "../../../parts/copy.tsx";
import { Dialog } from "../../../parts/dialog.tsx";
import { Form, SelectField, TextField } from "../../../parts/form.tsx";
import { ScopeBoxes } from "../../../parts/scope-boxes.tsx";
import { duration } from "../../../time.tsx";
import { t } from "../../../words.ts";

const SCOPES = ["connect", "account", "host"] as const;
type Scope = (typeof SCOPES)[number];
const DAY = 86_400;
const LIFETIMES = [1, 7, 30, 90, 365].map((days) => String(days * DAY));

export function NewToken({ person }: { readonly person: Person }) {
  const [open, setOpen] = useState(false);
  return (
    <section class="panel">
      <h2>{t("Access token")}</h2>
      <p>
        {t(
          "With an access token {0} signs in where no identity provider and no passkey is at hand.",
          person.name,
        )}
      </p>
      <div class="actions">
        <button type="button" disabled={person.disabled} onClick={() => setOpen(true)}>
          {t("Make an access token")}
        </button>
      </div>
      {open && <TokenDialog person={person} onClose={() => setOpen(false)} />}
    </section>
  );
}

function TokenDialog({ person, onClose }: { readonly person: Person; readonly onClose: () => void }) {
  const [secret, setSecret] = useState<string>();
  const [title, setTitle] = useState("");
  const [lifetime, setLifetime] = useState(String(30 * DAY));
  const [scopes, setScopes] = useState<readonly Scope[]>(["connect", "account"]);
  const make = async (): Promise<void> => {
    const body: CreateAccessToken = { title, scopes: [...scopes], expiresIn: Number(lifetime) };
    const { token } = await api.post<CreatedAccessToken>(
      `/accounts/${encodeURIComponent(person.id)}/tokens`,
      body,
    );
    setSecret(token);
  };
  return (
    <Dialog title={t("Access token for {0}", person.name)} onClose={onClose}>
      {secret !== undefined ? (
        <SecretOnce label={t("Access token")} secret={secret} onStored={onClose} />
      ) : (
        <Form
          submit={t("Make an access token")}
          disabled={title.trim() === "" || scopes.length === 0}
          onSubmit={make}
          onCancel={onClose}
        >
          <TextField
            label={t("What it is for")}
            name="title"
            value={title}
            onInput={setTitle}
            maxLength={100}
            autofocus
          />
          <SelectField
            label={t("Expires after")}
            name="expiresIn"
            value={lifetime}
            options={LIFETIMES.map((value) => ({ value, text: duration(Number(value)) }))}
            onChange={setLifetime}
          />
          <ScopeBoxes
            legend={t("What it may do")}
            offered={SCOPES}
            chosen={scopes}
            onChange={setScopes}
            words={(scope) => scopeWords()[scope]}
          />
        </Form>
      )}
    </Dialog>
  );
}

const scopeWords = (): Record<Scope, string> => ({
  connect: t("List and reach workspaces"),
  account: t("Manage the account's own keys, tokens and workspaces"),
  host: t("Register workspaces"),
});
