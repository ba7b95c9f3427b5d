// The browsers, editors and command lines that are signed in as the person.

import { useState } from "preact/hooks";
import type { SignInInfo } from "../../../protocol/sign-in/api.ts";
import { api } from "../../api.ts";
import { useLoad } from "../../load.ts";
import { Badge } from "../../parts/badge.tsx";
import { Loading } from "../../parts/busy.tsx";
import { Confirm } from "../../parts/dialog.tsx";
import { announce } from "../../parts/live-region.tsx";
import { PageTitle } from "../../parts/page-title.tsx";
import { type Column, Table } from "../../parts/table.tsx";
import { signOut } from "../../sign-in/sign-out.ts";
import { Time } from "../../time.tsx";
import { t } from "../../words.ts";
import { clientName } from "../consent/client-name.ts";
import { LastUse } from "./last-use.tsx";

export function DevicesPage() {
  const signIns = useLoad((signal) => api.get<SignInInfo[]>("/sign-ins", { signal }), []);
  const [ending, setEnding] = useState<readonly SignInInfo[]>();
  const others = (signIns.data ?? []).filter(({ current }) => !current);
  const end = async (list: readonly SignInInfo[]): Promise<void> => {
    if (list.some(({ current }) => current)) return await signOut();
    try {
      for (const { id } of list) await api.delete(`/sign-ins/${id}`);
      announce(t("Signed out."));
    } finally {
      signIns.reload();
    }
  };
  return (
    <>
      <PageTitle
        title={t("Signed-in devices")}
        intro={t("Browsers, editors and command lines that act as you. End those that you do not know.")}
      >
        {others.length > 0 && (
          <button type="button" onClick={() => setEnding(others)}>
            {t("End all others")}
          </button>
        )}
      </PageTitle>
      <Loading of={signIns}>
        {(list) => (
          <Table
            caption={t("Signed-in devices")}
            hideCaption
            columns={columns((one) => setEnding([one]))}
            rows={[...list].sort((one, two) => Number(two.current) - Number(one.current))}
            rowKey={({ id }) => id}
          />
        )}
      </Loading>
      {ending !== undefined && (
        <Confirm
          title={ending.length === 1 ? t("End this sign-in?") : t("End all other sign-ins?")}
          action={t("End")}
          danger
          onClose={() => setEnding(undefined)}
          onConfirm={() => end(ending)}
        >
          <p>
            {ending.length === 1 ? (
              <bdi>{ending[0]?.device}</bdi>
            ) : (
              t("Sign-ins that end: {0}", ending.length)
            )}
          </p>
          <p>{t("Connections from there are cut off at once, and you have to sign in there again.")}</p>
        </Confirm>
      )}
    </>
  );
}

function columns(end: (one: SignInInfo) => void): Column<SignInInfo>[] {
  return [
    {
      title: t("Device"),
      kind: "main",
      cell: ({ device, client, kind, current }) => (
        <>
          <bdi>{device}</bdi> {current && <Badge tone="accent">{t("this browser")}</Badge>}
          <div class="muted small">{kind === "browser" ? t("Browser") : clientName(client)}</div>
        </>
      ),
    },
    { title: t("Signed in"), cell: (one) => <SignedIn of={one} /> },
    { title: t("Last used"), cell: (one) => <LastUse of={one} /> },
    { title: t("Expires"), cell: ({ expiresAt }) => <Time at={expiresAt} /> },
    {
      title: t("Actions"),
      kind: "actions",
      cell: (one) => (
        <button type="button" onClick={() => end(one)}>
          {one.current ? t("Sign out") : t("End")}
        </button>
      ),
    },
  ];
}

function SignedIn({ of: { createdAt, method, provider } }: { readonly of: SignInInfo }) {
  return (
    <>
      <Time at={createdAt} />
      <div class="muted small">{provider ?? methodOf(method)}</div>
    </>
  );
}

function methodOf(method: SignInInfo["method"]): string {
  switch (method) {
    case "oidc":
    case "github":
    case "oauth":
      return t("by browser");
    case "passkey":
      return t("with a passkey");
    case "token":
      return t("with an access token");
    case "link":
      return t("by a link");
  }
}
