// Fetches the public keys of a user from a service that the operator allows. Each of them still has to be proved.

import { useState } from "preact/hooks";
import type { ImportedKey, ImportedKeys, KeySource, KeySourceInfo } from "../../../../protocol/admin-api.ts";
import { api } from "../../../api.ts";
import { Dialog } from "../../../parts/dialog.tsx";
import { Form, SelectField, TextField } from "../../../parts/form.tsx";
import { t } from "../../../words.ts";

export interface ImportKeysProps {
  /** At least one. */
  readonly sources: readonly KeySourceInfo[];
  readonly onClose: () => void;
  readonly onImported: () => void;
}

export function ImportKeys({ sources, onClose, onImported }: ImportKeysProps) {
  const [source, setSource] = useState<KeySource | undefined>(sources[0]?.source);
  const [user, setUser] = useState("");
  const [found, setFound] = useState<ImportedKeys>();
  const fetchKeys = async (): Promise<void> => {
    setFound(await api.post<ImportedKeys>("/keys/import", { source, user }));
    onImported();
  };
  return (
    <Dialog title={t("Import keys")} onClose={onClose}>
      {found === undefined ? (
        <Form submit={t("Import")} disabled={user === ""} onSubmit={fetchKeys} onCancel={onClose}>
          <p>{t("The gateway fetches the keys that the service lists. Each still has to be proved.")}</p>
          <SelectField
            label={t("From")}
            name="source"
            value={source ?? ""}
            options={sources.map((one) => ({ value: one.source, text: one.host }))}
            onChange={(value) => setSource(sources.find((one) => one.source === value)?.source)}
          />
          <TextField
            label={t("User name there")}
            name="user"
            value={user}
            onInput={(text) => setUser(text.trim())}
            maxLength={255}
            code
            autofocus
          />
        </Form>
      ) : (
        <Found keys={found.keys} user={user} host={found.host} onClose={onClose} />
      )}
    </Dialog>
  );
}

interface FoundProps {
  readonly keys: readonly ImportedKey[];
  readonly user: string;
  readonly host: string;
  readonly onClose: () => void;
}

function Found({ keys, user, host, onClose }: FoundProps) {
  return (
    <div class="stack" role="status">
      {keys.length === 0 && <p>{t("{0} has no keys at {1}.", user, host)}</p>}
      <ul class="plain stack">
        {keys.map(({ outcome, fingerprint, reason }, index) => (
          <li key={fingerprint ?? index}>
            <span class="code wrap">{fingerprint ?? t("A key that can't be read")}</span>
            <div class="muted">
              {outcome === "pending"
                ? t("Waits for its proof.")
                : outcome === "registered"
                  ? t("You have it already.")
                  : (reason ?? t("Refused."))}
            </div>
          </li>
        ))}
      </ul>
      <div class="actions end">
        <button type="button" class="primary" onClick={onClose}>
          {t("Done")}
        </button>
      </div>
    </div>
  );
}
