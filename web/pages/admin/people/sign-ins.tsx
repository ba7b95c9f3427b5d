// Where somebody is signed in, and an end to it.

import { useState } from "preact/hooks";
import type { SignInInfo } from "../../../../protocol/sign-in/api.ts";
import { api } from "../../../api.ts";
import { useLoad } from "../../../load.ts";
import { Loading } from "../../../parts/busy.tsx";
import { Confirm } from "../../../parts/dialog.tsx";
import { announce } from "../../../parts/live-region.tsx";
import { Table } from "../../../parts/table.tsx";
import { Time } from "../../../time.tsx";
import { t } from "../../../words.ts";

/** `frozen`: a change of it ends sign-ins, so that they are loaded again. */
export function SignInsOfPerson({ id, frozen }: { readonly id: string; readonly frozen: boolean }) {
  const path = `/people/${encodeURIComponent(id)}/sign-ins`;
  const signIns = useLoad((signal) => api.get<SignInInfo[]>(path, { signal }), [id, frozen]);
  const [ending, setEnding] = useState<SignInInfo>();
  return (
    <section class="panel">
      <h2>{t("Signed in")}</h2>
      <Loading of={signIns}>
        {(list) => (
          <Table
            caption={t("Signed in")}
            hideCaption
            rows={list}
            rowKey={(signIn) => signIn.id}
            empty={<p class="muted">{t("Signed in nowhere.")}</p>}
            columns={[
              { title: t("Device"), kind: "main", cell: ({ device }) => device },
              {
                title: t("Kind"),
                cell: ({ kind, client }) => (kind === "browser" ? t("Browser") : client),
              },
              { title: t("Last used"), cell: ({ lastUsedAt }) => <Time at={lastUsedAt} /> },
              { title: t("From"), cell: ({ lastUsedFrom }) => lastUsedFrom ?? "–" },
              { title: t("Expires"), cell: ({ expiresAt }) => <Time at={expiresAt} /> },
              {
                title: t("Actions"),
                kind: "actions",
                cell: (signIn) => (
                  <button
                    type="button"
                    aria-label={t("End the sign-in of {0}", signIn.device)}
                    onClick={() => setEnding(signIn)}
                  >
                    {t("End")}
                  </button>
                ),
              },
            ]}
          />
        )}
      </Loading>
      {ending !== undefined && (
        <Confirm
          title={t("End this sign-in?")}
          action={t("End")}
          danger
          onClose={() => setEnding(undefined)}
          onConfirm={async () => {
            await api.delete(`${path}/${encodeURIComponent(ending.id)}`);
            announce(t("The sign-in has ended."));
            signIns.reload();
          }}
        >
          <p>{t("{0} is signed out within a second, and what it has open ends.", ending.device)}</p>
        </Confirm>
      )}
    </section>
  );
}
