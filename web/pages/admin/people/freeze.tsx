// Freezes an account: everything of theirs ends at once, and nothing is deleted.

import { useState } from "preact/hooks";
import type { Person } from "../../../../protocol/sign-in/api.ts";
import { api } from "../../../api.ts";
import { useAction } from "../../../load.ts";
import { Confirm } from "../../../parts/dialog.tsx";
import { announce } from "../../../parts/live-region.tsx";
import { ErrorNotice } from "../../../parts/notice.tsx";
import { session } from "../../../session.ts";
import { t } from "../../../words.ts";

export interface FreezeProps {
  readonly person: Person;
  readonly onChanged: () => void;
  readonly onUnfreeze: () => Promise<unknown>;
}

export function Freeze({ person, onChanged, onUnfreeze }: FreezeProps) {
  const { id, name, disabled } = person;
  const [asking, setAsking] = useState(false);
  const unfreeze = useAction(async () => {
    await onUnfreeze();
    announce(t("{0} is no longer frozen.", name));
  });
  const own = session.value?.account.id === id;
  return (
    <section class={disabled ? "panel" : "panel danger-zone"}>
      <h2>{disabled ? t("Frozen") : t("Freeze {0}", name)}</h2>
      {disabled ? (
        <p>{t("Nothing of {0} works at this gateway. Keys, workspaces and shares are kept.", name)}</p>
      ) : (
        <p>
          {t(
            "Everything of theirs ends within a second, in all browsers, editors and terminals. Nothing is deleted, and you can unfreeze the account later.",
          )}
        </p>
      )}
      <ErrorNotice error={unfreeze.error} />
      <div class="actions">
        {disabled ? (
          <button type="button" class="primary" disabled={unfreeze.busy} onClick={() => void unfreeze.run()}>
            {t("Unfreeze {0}", name)}
          </button>
        ) : (
          <button type="button" class="danger" disabled={own} onClick={() => setAsking(true)}>
            {t("Freeze {0}", name)}
          </button>
        )}
        {own && <span class="muted">{t("This is your own account.")}</span>}
      </div>
      {asking && (
        <Confirm
          title={t("Freeze {0}?", name)}
          action={t("Freeze {0}", name)}
          danger
          onClose={() => setAsking(false)}
          onConfirm={async () => {
            await api.post(`/people/${encodeURIComponent(id)}/freeze`);
            announce(t("{0} is frozen.", name));
            onChanged();
          }}
        >
          <ul>
            <li>{t("All browsers, editors and command lines are signed out.")}</li>
            <li>{t("Open tunnels, SSH connections and shared terminals end.")}</li>
            <li>{t("Their access tokens, SSH keys and hosts are refused.")}</li>
          </ul>
        </Confirm>
      )}
    </section>
  );
}
