// The identities at providers that open the account.

import { useState } from "preact/hooks";
import type { IdentityInfo, SignInMethods } from "../../../protocol/sign-in/api.ts";
import { PAGES } from "../../../protocol/sign-in/pages.ts";
import { api } from "../../api.ts";
import { useLoad } from "../../load.ts";
import { Loading } from "../../parts/busy.tsx";
import { Confirm } from "../../parts/dialog.tsx";
import { Table } from "../../parts/table.tsx";
import { session } from "../../session.ts";
import { proveAgain } from "../../sign-in/again.ts";
import { Time } from "../../time.tsx";
import { t } from "../../words.ts";
import { startPath } from "../sign-in/ways.tsx";

/** For the way to the gateway, and clocks that differ. */
const LEEWAY_MS = 30_000;

export function Identities() {
  const loaded = useLoad(
    (signal) =>
      Promise.all([
        api.get<SignInMethods>("/sign-in-methods", { signal }),
        api.get<IdentityInfo[]>("/identities", { signal }),
      ]),
    [],
  );
  const [removing, setRemoving] = useState<IdentityInfo>();
  // Of no use to people of a gateway without providers.
  if (loaded.data?.[0].providers.length === 0 && loaded.data[1].length === 0) return null;
  return (
    <section class="panel">
      <h2>{t("Identity providers")}</h2>
      <Loading of={loaded}>
        {([{ providers }, identities]) => (
          <>
            <Table
              caption={t("Identity providers")}
              hideCaption
              rows={identities}
              rowKey={({ id }) => id}
              empty={<p>{t("No identity provider opens this account.")}</p>}
              columns={[
                {
                  title: t("Provider"),
                  kind: "main",
                  cell: ({ provider }) => providers.find(({ id }) => id === provider)?.label ?? provider,
                },
                { title: t("Name there"), cell: ({ name }) => name },
                { title: t("Last sign-in"), cell: ({ lastSignInAt }) => <Time at={lastSignInAt} /> },
                {
                  title: t("Actions"),
                  kind: "actions",
                  cell: (identity) => (
                    <button
                      type="button"
                      aria-label={t("Remove {0}", identity.name)}
                      onClick={() => setRemoving(identity)}
                    >
                      {t("Remove")}
                    </button>
                  ),
                },
              ]}
            />
            <div class="actions">
              {providers
                .filter(({ id }) => !identities.some(({ provider }) => provider === id))
                .map(({ id, label }) => (
                  <button key={id} type="button" onClick={() => void connect(id)}>
                    {t("Connect {0}", label)}
                  </button>
                ))}
            </div>
          </>
        )}
      </Loading>
      {removing !== undefined && (
        <Confirm
          title={t("Remove {0}", removing.name)}
          action={t("Remove")}
          danger
          onConfirm={async () => {
            await api.delete(`/identities/${removing.id}`);
            loaded.reload();
          }}
          onClose={() => setRemoving(undefined)}
        >
          <p>{t("This identity no longer opens your account, and what it signed in is signed out.")}</p>
        </Confirm>
      )}
    </section>
  );
}

/** Goes to the provider. The gateway would send people back who have not proved lately who they are. */
async function connect(provider: string): Promise<void> {
  const fresh = Date.parse(session.value?.freshUntil ?? "") > Date.now() + LEEWAY_MS;
  if (fresh || (await proveAgain())) location.assign(startPath(provider, PAGES.account, "link"));
}
