// One-use links: for a new account, for signing somebody in, and for joining an account with an identity.

import { useState } from "preact/hooks";
import type { InvitationInfo } from "../../../protocol/sign-in/api.ts";
import { api } from "../../api.ts";
import { useLoad } from "../../load.ts";
import { Badge } from "../../parts/badge.tsx";
import { Loading } from "../../parts/busy.tsx";
import { Confirm } from "../../parts/dialog.tsx";
import { EmptyState } from "../../parts/empty-state.tsx";
import { announce } from "../../parts/live-region.tsx";
import { PageTitle } from "../../parts/page-title.tsx";
import { type Column, Table } from "../../parts/table.tsx";
import { Time } from "../../time.tsx";
import { t } from "../../words.ts";
import { kindWords } from "./invitations/kinds.ts";
import { NewInvitation } from "./invitations/new-invitation.tsx";
import { OnlyAdministrators } from "./only-administrators.tsx";

export function InvitationsPage() {
  return (
    <OnlyAdministrators title={t("Invitations")}>
      <Invitations />
    </OnlyAdministrators>
  );
}

function Invitations() {
  const invitations = useLoad((signal) => api.get<InvitationInfo[]>("/invitations", { signal }), []);
  const [making, setMaking] = useState(false);
  const [withdrawing, setWithdrawing] = useState<InvitationInfo>();
  return (
    <>
      <PageTitle
        title={t("Invitations")}
        intro={t("One-use links for people. Anyone with a link can use it, so send it to one person only.")}
      >
        <button type="button" class="primary" onClick={() => setMaking(true)}>
          {t("New invitation")}
        </button>
      </PageTitle>
      <Loading of={invitations}>
        {(list) => (
          <Table
            caption={t("Invitations")}
            hideCaption
            columns={columns(setWithdrawing)}
            rows={list}
            rowKey={({ id }) => id}
            empty={<NoInvitation onMake={() => setMaking(true)} />}
          />
        )}
      </Loading>
      {making && <NewInvitation onClose={() => setMaking(false)} onMade={invitations.reload} />}
      {withdrawing !== undefined && (
        <Confirm
          title={t("Withdraw this invitation?")}
          action={t("Withdraw")}
          danger
          onClose={() => setWithdrawing(undefined)}
          onConfirm={async () => {
            await api.delete(`/invitations/${encodeURIComponent(withdrawing.id)}`);
            announce(t("The invitation is withdrawn."));
            invitations.reload();
          }}
        >
          <p>{t("Its link then stops working.")}</p>
        </Confirm>
      )}
    </>
  );
}

const columns = (onWithdraw: (invitation: InvitationInfo) => void): Column<InvitationInfo>[] => [
  { title: t("For"), kind: "main", cell: ({ kind }) => kindWords()[kind].title },
  {
    title: t("Account"),
    cell: ({ name, admin }) => (
      <span>
        {name ?? <span class="muted">{t("chooses its name")}</span>}{" "}
        {admin && <Badge tone="accent">{t("Administrator")}</Badge>}
      </span>
    ),
  },
  { title: t("State"), cell: (invitation) => <State invitation={invitation} /> },
  { title: t("Made by"), cell: ({ createdBy }) => createdBy },
  { title: t("Made"), cell: ({ createdAt }) => <Time at={createdAt} /> },
  {
    title: t("Actions"),
    kind: "actions",
    cell: (invitation) =>
      isOpen(invitation) && (
        <button
          type="button"
          aria-label={t(
            "Withdraw the invitation: {0}",
            invitation.name ?? kindWords()[invitation.kind].title,
          )}
          onClick={() => onWithdraw(invitation)}
        >
          {t("Withdraw")}
        </button>
      ),
  },
];

const isOpen = ({ usedAt, expiresAt }: InvitationInfo): boolean =>
  usedAt === null && Date.parse(expiresAt) > Date.now();

function State({ invitation }: { readonly invitation: InvitationInfo }) {
  const { usedAt, expiresAt } = invitation;
  if (usedAt !== null) {
    return (
      <Badge tone="good">
        {t("Used")} <Time at={usedAt} />
      </Badge>
    );
  }
  if (!isOpen(invitation)) return <Badge tone="neutral">{t("Expired")}</Badge>;
  // Of cards a cell is a grid, in which each part would get a place of its own.
  return (
    <span>
      <Badge tone="accent">{t("Open")}</Badge> <span class="muted">{t("expires")}</span>{" "}
      <Time at={expiresAt} />
    </span>
  );
}

function NoInvitation({ onMake }: { readonly onMake: () => void }) {
  return (
    <EmptyState title={t("No invitation is open")}>
      <p>
        {t(
          "Invite people without an identity provider: they open the link, choose a name, and make a passkey. Nothing has to be installed and no password exists.",
        )}
      </p>
      <button type="button" class="primary" onClick={onMake}>
        {t("New invitation")}
      </button>
    </EmptyState>
  );
}
