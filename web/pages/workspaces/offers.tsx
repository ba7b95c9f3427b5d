// Workspaces that other accounts offer to share with the person, live.

import { useState } from "preact/hooks";
import type { SharedWithMe } from "../../../protocol/api.ts";
import { api } from "../../api.ts";
import { offers } from "../../events.ts";
import { useAction } from "../../load.ts";
import { Confirm } from "../../parts/dialog.tsx";
import { announce } from "../../parts/live-region.tsx";
import { ErrorNotice, Notice } from "../../parts/notice.tsx";
import { Time } from "../../time.tsx";
import { t } from "../../words.ts";

/** Nothing where there are none. */
export function Offers() {
  const [accepting, setAccepting] = useState<SharedWithMe>();
  return (
    <>
      {offers.value.map((offer) => (
        <Offer key={offer.id} offer={offer} onAccept={() => setAccepting(offer)} />
      ))}
      {accepting !== undefined && (
        <Confirm
          title={t("Accept {0} from {1}?", accepting.name, accepting.owner)}
          action={t("Accept")}
          onClose={() => setAccepting(undefined)}
          onConfirm={async () => {
            await api.post(`/shares/${accepting.id}/accept`);
            announce(t("{0} is in your list now.", accepting.name));
          }}
        >
          <p>
            {t(
              "Accept it only if you know {0} and expect this: what you open there runs on their machine, and they can read it. The workspace then appears in your list and in your SSH configuration.",
              accepting.owner,
            )}
          </p>
        </Confirm>
      )}
    </>
  );
}

function Offer({ offer, onAccept }: { readonly offer: SharedWithMe; readonly onAccept: () => void }) {
  const { id, name, owner, expiresAt = null } = offer;
  const decline = useAction(async () => {
    await api.delete(`/shares/${id}`);
    announce(t("Declined."));
  });
  return (
    <Notice title={t("{0} offers you the workspace {1}.", owner, name)}>
      {expiresAt !== null && (
        <p>
          {t("Ends:")} <Time at={expiresAt} />
        </p>
      )}
      <ErrorNotice error={decline.error} />
      <div class="actions">
        <button type="button" disabled={decline.busy} onClick={() => void decline.run()}>
          {t("Decline")}
        </button>
        <button type="button" class="primary" onClick={onAccept}>
          {t("Accept")}
        </button>
      </div>
    </Notice>
  );
}
