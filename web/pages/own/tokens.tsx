// The access tokens of the person, which programs sign in with.

import { useState } from "preact/hooks";
import type { AccessTokenInfo } from "../../../protocol/api.ts";
import { PAGES } from "../../../protocol/sign-in/pages.ts";
import { api } from "../../api.ts";
import { useLoad } from "../../load.ts";
import { Loading } from "../../parts/busy.tsx";
import { Confirm } from "../../parts/dialog.tsx";
import { EmptyState } from "../../parts/empty-state.tsx";
import { Link } from "../../parts/link.tsx";
import { announce } from "../../parts/live-region.tsx";
import { PageTitle } from "../../parts/page-title.tsx";
import { type Column, Table } from "../../parts/table.tsx";
import { Time } from "../../time.tsx";
import { t } from "../../words.ts";
import { LastUse } from "./last-use.tsx";
import { NewToken } from "./tokens/new-token.tsx";

export function TokensPage() {
  const tokens = useLoad((signal) => api.get<AccessTokenInfo[]>("/tokens", { signal }), []);
  const [isMaking, setMaking] = useState(false);
  const [revoking, setRevoking] = useState<AccessTokenInfo>();
  const all = tokens.data ?? [];
  return (
    <>
      <PageTitle
        title={t("Access tokens")}
        intro={
          <>
            {t("For programs and hosts. Where you can sign in by browser, you need none.")}{" "}
            <Link to={PAGES.devices}>{t("Signed-in devices")}</Link>
          </>
        }
      >
        <button type="button" class="primary" onClick={() => setMaking(true)}>
          {t("Create a token")}
        </button>
      </PageTitle>
      <Loading of={tokens}>
        {(list) => (
          <Table
            caption={t("Access tokens")}
            hideCaption
            columns={columns(list, setRevoking)}
            rows={list}
            rowKey={({ id }) => id}
            empty={
              <EmptyState title={t("No token yet")}>
                <p>{t("A script or a host that runs by itself signs in with one.")}</p>
              </EmptyState>
            }
          />
        )}
      </Loading>
      {isMaking && <NewToken onClose={() => setMaking(false)} onMade={() => tokens.reload()} />}
      {revoking !== undefined && (
        <Confirm
          title={t("Revoke this token?")}
          action={t("Revoke")}
          danger
          onClose={() => setRevoking(undefined)}
          onConfirm={async () => {
            await api.delete(`/tokens/${revoking.id}`);
            announce(t("Revoked."));
            tokens.reload();
          }}
        >
          <p>
            <bdi>{revoking.title}</bdi>
          </p>
          <p>{t("What it has open ends at once, and so does every token that was made with it.")}</p>
          <Children of={revoking} all={all} />
        </Confirm>
      )}
    </>
  );
}

/** The tokens that end with this one. */
function Children({ of, all }: { readonly of: AccessTokenInfo; readonly all: readonly AccessTokenInfo[] }) {
  const children = all.filter(({ parentId }) => parentId === of.id);
  if (children.length === 0) return null;
  return (
    <>
      <p>{t("These end with it:")}</p>
      <ul>
        {children.map(({ id, title }) => (
          <li key={id}>
            <bdi>{title}</bdi>
          </li>
        ))}
      </ul>
    </>
  );
}

function columns(
  all: readonly AccessTokenInfo[],
  revoke: (token: AccessTokenInfo) => void,
): Column<AccessTokenInfo>[] {
  const titles = new Map(all.map(({ id, title }) => [id, title]));
  return [
    {
      title: t("Token"),
      kind: "main",
      cell: ({ title, workspace, reusable, parentId = "" }) => (
        <>
          <bdi>{title}</bdi>
          {workspace !== undefined && <div class="muted small">{t("For the workspace {0}", workspace)}</div>}
          {reusable === true && <div class="muted small">{t("For any workspace of yours")}</div>}
          {titles.has(parentId) && (
            <div class="muted small">
              {t("Made with:")} <bdi>{titles.get(parentId)}</bdi>
            </div>
          )}
        </>
      ),
    },
    { title: t("Scopes"), cell: ({ scopes, scim }) => (scim === true ? "scim" : scopes.join(", ")) },
    { title: t("Expires"), cell: ({ expiresAt }) => <Time at={expiresAt} /> },
    { title: t("Last used"), cell: (token) => <LastUse of={token} /> },
    {
      title: t("Actions"),
      kind: "actions",
      cell: (token) => (
        <button type="button" onClick={() => revoke(token)}>
          {t("Revoke")}
        </button>
      ),
    },
  ];
}
