// The SSH keys of the person: those that open workspaces, and those that wait to be proved.

import { useEffect, useRef, useState } from "preact/hooks";
import type { KeySourceInfo } from "../../../protocol/admin-api.ts";
import type { Key, PendingKey } from "../../../protocol/api.ts";
import { api } from "../../api.ts";
import { useAction, useLoad } from "../../load.ts";
import { Badge } from "../../parts/badge.tsx";
import { Loading } from "../../parts/busy.tsx";
import { Confirm } from "../../parts/dialog.tsx";
import { EmptyState } from "../../parts/empty-state.tsx";
import { announce } from "../../parts/live-region.tsx";
import { ErrorNotice, Notice } from "../../parts/notice.tsx";
import { PageTitle } from "../../parts/page-title.tsx";
import { type Column, Table } from "../../parts/table.tsx";
import { Time } from "../../time.tsx";
import { t } from "../../words.ts";
import { AddKey } from "./keys/add-key.tsx";
import { ImportKeys } from "./keys/import-keys.tsx";
import { Pending } from "./keys/pending.tsx";
import { LastUse } from "./last-use.tsx";

/** How often the page asks whether a proof has arrived. */
const ASK_MS = 2_000;

export function KeysPage() {
  const keys = useLoad((signal) => api.get<Key[]>("/keys", { signal }), []);
  const pending = useLoad((signal) => api.get<PendingKey[]>("/keys/pending", { signal }), []);
  const sources = useLoad((signal) => api.get<KeySourceInfo[]>("/keys/sources", { signal }), []);
  const [dialog, setDialog] = useState<"add" | "import">();
  const [removing, setRemoving] = useState<Key | PendingKey>();
  const [freezing, setFreezing] = useState<Key>();
  const proved = useProved(keys.data, pending.data);
  const reload = (): void => {
    keys.reload();
    pending.reload();
  };
  const isWaiting = pending.data !== undefined && pending.data.length > 0;
  useEffect(() => {
    if (!isWaiting) return;
    const timer = setInterval(() => document.visibilityState === "visible" && reload(), ASK_MS);
    return () => clearInterval(timer);
  }, [isWaiting]);
  const unfreeze = useAction(async ({ id }: Key) => {
    await api.post(`/keys/${id}/unfreeze`);
    announce(t("The key opens your workspaces again."));
    keys.reload();
  });
  const close = (): void => setDialog(undefined);
  return (
    <>
      <PageTitle
        title={t("SSH keys")}
        intro={t("Anyone with the private half of one of these can log in to your workspaces.")}
      >
        {sources.data !== undefined && sources.data.length > 0 && (
          <button type="button" onClick={() => setDialog("import")}>
            {t("Import keys")}
          </button>
        )}
        <button type="button" class="primary" onClick={() => setDialog("add")}>
          {t("Add a key")}
        </button>
      </PageTitle>
      {proved !== undefined && (
        <Notice tone="good" title={t("The key is proved.")}>
          <bdi>{proved.title}</bdi> <span class="code wrap">{proved.fingerprint}</span>
        </Notice>
      )}
      <Loading of={pending}>
        {(list) =>
          list.map((key) => <Pending key={key.id} pending={key} onRemove={() => setRemoving(key)} />)
        }
      </Loading>
      <ErrorNotice error={unfreeze.error} />
      <Loading of={keys}>
        {(list) => (
          <Table
            caption={t("SSH keys")}
            hideCaption
            columns={columns({
              freeze: setFreezing,
              unfreeze: (key) => void unfreeze.run(key),
              remove: setRemoving,
            })}
            rows={list}
            rowKey={({ id }) => id}
            empty={!isWaiting && <NoKeys />}
          />
        )}
      </Loading>
      {dialog === "add" && <AddKey onClose={close} onAdded={reload} />}
      {dialog === "import" && <ImportKeys sources={sources.data ?? []} onClose={close} onImported={reload} />}
      {freezing !== undefined && (
        <Confirm
          title={t("Freeze this key?")}
          action={t("Freeze")}
          danger
          onClose={() => setFreezing(undefined)}
          onConfirm={async () => {
            await api.post(`/keys/${freezing.id}/freeze`);
            announce(t("The key is frozen."));
            keys.reload();
          }}
        >
          <Named of={freezing} />
          <p>{t("It opens nothing until you unfreeze it. Connections that it opened end at once.")}</p>
        </Confirm>
      )}
      {removing !== undefined && (
        <Confirm
          title={t("Remove this key?")}
          action={t("Remove")}
          danger
          onClose={() => setRemoving(undefined)}
          onConfirm={async () => {
            await api.delete(`/keys/${removing.id}`);
            announce(t("The key is removed."));
            reload();
          }}
        >
          <Named of={removing} />
          {!("code" in removing) && (
            <p>{t("It no longer opens anything, and connections that it opened end at once.")}</p>
          )}
        </Confirm>
      )}
    </>
  );
}

function Named({ of: { title, fingerprint } }: { readonly of: Key | PendingKey }) {
  return (
    <p>
      <bdi>{title}</bdi>
      <br />
      <span class="code wrap">{fingerprint}</span>
    </p>
  );
}

interface KeyActions {
  readonly freeze: (key: Key) => void;
  readonly unfreeze: (key: Key) => void;
  readonly remove: (key: Key) => void;
}

function columns({ freeze, unfreeze, remove }: KeyActions): Column<Key>[] {
  return [
    {
      title: t("Key"),
      kind: "main",
      cell: ({ title, fingerprint, frozen }) => (
        <>
          <bdi>{title}</bdi> {frozen === true && <Badge tone="warning">{t("Frozen")}</Badge>}
          <div class="code muted small wrap">{fingerprint}</div>
        </>
      ),
    },
    { title: t("Added"), cell: ({ createdAt }) => <Time at={createdAt} /> },
    { title: t("Last used"), cell: (key) => <LastUse of={key} /> },
    {
      title: t("Actions"),
      kind: "actions",
      cell: (key) => (
        <>
          {key.frozen === true ? (
            <button type="button" onClick={() => unfreeze(key)}>
              {t("Unfreeze")}
            </button>
          ) : (
            <button type="button" onClick={() => freeze(key)}>
              {t("Freeze")}
            </button>
          )}
          <button type="button" onClick={() => remove(key)}>
            {t("Remove")}
          </button>
        </>
      ),
    },
  ];
}

/** The key that was pending before and is proved now. */
function useProved(keys: readonly Key[] | undefined, pending: readonly PendingKey[] | undefined) {
  const waited = useRef(new Set<string>());
  const told = useRef(new Set<string>());
  for (const { fingerprint } of pending ?? []) waited.current.add(fingerprint);
  const proved = keys?.find(({ fingerprint }) => waited.current.has(fingerprint));
  useEffect(() => {
    if (proved === undefined || told.current.has(proved.id)) return;
    told.current.add(proved.id);
    announce(t("The key is proved."));
  }, [proved]);
  return proved;
}

function NoKeys() {
  return (
    <EmptyState title={t("No key yet")}>
      <p>{t("With a key you reach your workspaces by plain ssh, without a password.")}</p>
      <p>
        {t("You have none at all? This makes one:")} <code>ssh-keygen -t ed25519</code>
      </p>
    </EmptyState>
  );
}
