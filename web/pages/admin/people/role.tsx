// Whether somebody administers the gateway, and who decides that.

import { useState } from "preact/hooks";
import type { Person } from "../../../../protocol/sign-in/api.ts";
import { Badge } from "../../../parts/badge.tsx";
import { Confirm } from "../../../parts/dialog.tsx";
import { session } from "../../../session.ts";
import { t } from "../../../words.ts";

export interface RoleProps {
  readonly person: Person;
  readonly onChange: (admin: boolean) => Promise<unknown>;
}

export function Role({ person: { id, name, admin, roleFrom }, onChange }: RoleProps) {
  const [asking, setAsking] = useState(false);
  const own = session.value?.account.id === id;
  return (
    <section class="panel">
      <div class="panel-head">
        <h2>{t("Role")}</h2>
        {admin ? (
          <Badge tone="accent">{t("Administrator")}</Badge>
        ) : (
          <Badge tone="neutral">{t("Member")}</Badge>
        )}
      </div>
      {roleFrom === null ? (
        <>
          <p>
            {admin
              ? t("Administrators manage people and see all workspaces in lists. They do not get into them.")
              : t("Members use their own workspaces and those that others share with them.")}
          </p>
          <div class="actions">
            <button type="button" disabled={own} onClick={() => setAsking(true)}>
              {admin ? t("Make a member") : t("Make an administrator")}
            </button>
            {own && <span class="muted">{t("Nobody changes their own role.")}</span>}
          </div>
        </>
      ) : (
        <p>{t("The identity provider {0} decides this by its groups, at each sign-in.", roleFrom)}</p>
      )}
      {asking && (
        <Confirm
          title={admin ? t("Make {0} a member?", name) : t("Make {0} an administrator?", name)}
          action={admin ? t("Make a member") : t("Make an administrator")}
          danger={admin}
          onClose={() => setAsking(false)}
          onConfirm={() => onChange(!admin)}
        >
          <p>
            {admin
              ? t("{0} no longer reaches these pages, and tokens for administration stop working.", name)
              : t("{0} can then freeze people, delete workspaces and make other administrators.", name)}
          </p>
        </Confirm>
      )}
    </section>
  );
}
