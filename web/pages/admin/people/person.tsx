// One account: what an administrator can see and change of it.

import type { UpdatePerson } from "../../../../protocol/admin-api.ts";
import type { Person } from "../../../../protocol/sign-in/api.ts";
import { PAGES } from "../../../../protocol/sign-in/pages.ts";
import { api } from "../../../api.ts";
import { useLoad } from "../../../load.ts";
import { Badge } from "../../../parts/badge.tsx";
import { Loading } from "../../../parts/busy.tsx";
import { Link } from "../../../parts/link.tsx";
import { PageTitle } from "../../../parts/page-title.tsx";
import { Table } from "../../../parts/table.tsx";
import { Time } from "../../../time.tsx";
import { t } from "../../../words.ts";
import { Freeze } from "./freeze.tsx";
import { NewToken } from "./new-token.tsx";
import { Role } from "./role.tsx";
import { SignInsOfPerson } from "./sign-ins.tsx";

export function PersonDetail({ id, back }: { readonly id: string; readonly back: string }) {
  const path = `/people/${encodeURIComponent(id)}`;
  const person = useLoad((signal) => api.get<Person>(path, { signal }), [id]);
  const change = async (changes: UpdatePerson): Promise<void> => {
    await api.patch(path, changes);
    person.reload();
  };
  return (
    <>
      <PageTitle title={person.data?.name ?? t("Person")} back={{ to: back, text: t("People") }} />
      <Loading of={person}>
        {(known) => (
          <>
            <Facts person={known} />
            <Role person={known} onChange={(admin) => change({ admin })} />
            <SignInsOfPerson id={id} frozen={known.disabled} />
            <Identities person={known} />
            <NewToken person={known} />
            <Freeze person={known} onChanged={person.reload} onUnfreeze={() => change({ disabled: false })} />
          </>
        )}
      </Loading>
    </>
  );
}

function Facts({ person }: { readonly person: Person }) {
  const { name, disabled, createdAt, lastSeenAt, workspaces, passkeys } = person;
  return (
    <section class="panel">
      <dl class="facts">
        <dt>{t("State")}</dt>
        <dd>
          {disabled ? <Badge tone="danger">{t("Frozen")}</Badge> : <Badge tone="good">{t("Active")}</Badge>}
        </dd>
        <dt>{t("Account since")}</dt>
        <dd>
          <Time at={createdAt} />
        </dd>
        <dt>{t("Last seen")}</dt>
        <dd>
          <Time at={lastSeenAt} />
        </dd>
        <dt>{t("Passkeys")}</dt>
        <dd>{passkeys}</dd>
        <dt>{t("Workspaces")}</dt>
        <dd>
          {workspaces === 0 ? (
            workspaces
          ) : (
            <Link to={`${PAGES.allWorkspaces}?${new URLSearchParams({ owner: name })}`}>
              {t("Workspaces: {0}", workspaces)}
            </Link>
          )}
        </dd>
        <dt>{t("Audit log")}</dt>
        <dd>
          <Link to={`${PAGES.audit}?${new URLSearchParams({ account: name })}`}>
            {t("What {0} did", name)}
          </Link>
        </dd>
      </dl>
    </section>
  );
}

function Identities({ person: { identities } }: { readonly person: Person }) {
  return (
    <section class="panel">
      <h2>{t("Identities")}</h2>
      <Table
        caption={t("Identities")}
        hideCaption
        rows={identities}
        rowKey={({ id }) => id}
        empty={<p class="muted">{t("No identity provider is linked to this account.")}</p>}
        columns={[
          { title: t("Provider"), kind: "main", cell: ({ provider }) => provider },
          { title: t("Name there"), cell: ({ name }) => name },
          { title: t("Issuer"), cell: ({ issuer }) => issuer },
          { title: t("Subject"), cell: ({ subject }) => <span class="code">{subject}</span> },
          { title: t("Last sign-in"), cell: ({ lastSignInAt }) => <Time at={lastSignInAt} /> },
        ]}
      />
    </section>
  );
}
