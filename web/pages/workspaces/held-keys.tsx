// A host came under a workspace's name with a different host key. Its owner decides whether it may take over.

import { useState } from "preact/hooks";
import type { HeldHostKey, Workspace } from "../../../protocol/api.ts";
import { api } from "../../api.ts";
import { Confirm } from "../../parts/dialog.tsx";
import { announce } from "../../parts/live-region.tsx";
import { Notice } from "../../parts/notice.tsx";
import { Time } from "../../time.tsx";
import { t } from "../../words.ts";

type Decision = "accept" | "decline";

/** One notice for each key that waits. The event stream takes it away once it is decided. */
export function HeldKeys({ workspace }: { readonly workspace: Workspace }) {
  const [deciding, setDeciding] = useState<{ key: HeldHostKey; decision: Decision }>();
  const { id, name, hostKeys, heldHostKeys = [] } = workspace;
  return (
    <>
      {heldHostKeys.map((key) => (
        <Notice key={key.fingerprint} tone="warning" title={t("The host key of {0} has changed.", name)}>
          <p>
            {t("A host came under this name with a different key:")} <span class="code">{key.address}</span>,{" "}
            <Time at={key.since} />
          </p>
          <p class="code wrap">{key.fingerprint}</p>
          <div class="actions">
            <button type="button" onClick={() => setDeciding({ key, decision: "decline" })}>
              {t("Decline")}
            </button>
            <button type="button" onClick={() => setDeciding({ key, decision: "accept" })}>
              {t("Accept")}
            </button>
          </div>
        </Notice>
      ))}
      {deciding !== undefined && (
        <Confirm
          title={t("A host registered as {0} with a different host key. Let it take over {0}?", name)}
          action={deciding.decision === "accept" ? t("Accept") : t("Decline")}
          danger={deciding.decision === "accept"}
          onClose={() => setDeciding(undefined)}
          onConfirm={async () => {
            const { fingerprint } = deciding.key;
            await api.post(`/workspaces/${id}/host-key`, { fingerprint, decision: deciding.decision });
            announce(
              deciding.decision === "accept"
                ? t("{0} goes to the host with the new key as soon as it registers again.", name)
                : t("The host with the new key may not take over {0}.", name),
            );
          }}
        >
          <p class="code wrap">{deciding.key.fingerprint}</p>
          <p>
            {t(
              "Accept the key if the host itself prints this fingerprint, for example because you reinstalled the machine. If you know of no such reason, decline it: somebody may be impersonating the machine.",
            )}
          </p>
          {deciding.decision === "accept" && hostKeys.length > 0 && (
            <p>{t("The host with the former key is then shut out, and its connections end.")}</p>
          )}
        </Confirm>
      )}
    </>
  );
}
