// /keys/sources and /keys/import: the public keys that GitHub or GitLab list for a user. They are fetched from the operator's
// hosts only. That a host lists a key for a user proves nothing, so each key waits for a proof like any other.

import { Type } from "typebox";
import { type ImportedKey, ImportedKeys, ImportKeys, KeySourceInfo } from "../../../protocol/admin-api.ts";
import { ProtocolError } from "../../../protocol/errors.ts";
import { FairSlots } from "../../../protocol/flow/fair-slots.ts";
import type { AccountId } from "../../../protocol/values/id.ts";
import { parsePublicKey } from "../../../protocol/values/ssh-public-key.ts";
import { fetchKeys, hostOf, keySourcesFetch } from "../../key-sources/fetch-keys.ts";
import type { Actor } from "../../store/context.ts";
import type { Api, ApiContext } from "../context.ts";
import { described } from "../openapi.ts";
import { actorOf, identityOf, signedIn, signedInFresh } from "../sign-in.ts";
import { RateLimited } from "../sign-in-throttle.ts";

/** Requests to other hosts at a time, and one for each account. */
const MAX_IMPORTS = 8;
/** An account imports at most this often: the gateway must not be a tool to bother others with. */
const PAUSE_MS = 1_000;

export function keyImportRoutes(api: Api, context: ApiContext): void {
  const { options } = context.operation;
  const slots = new FairSlots({ total: MAX_IMPORTS, perHolder: 1 });
  const closing = new AbortController();
  const fetchFrom = keySourcesFetch(closing.signal);
  api.addHook("onClose", async () => closing.abort());

  api.get(
    "/keys/sources",
    {
      onRequest: signedIn(context, "account"),
      schema: described("keys", "listKeySources", "List where keys can be imported from.", {
        200: Type.Array(KeySourceInfo),
      }),
    },
    async () => options.keySources.map(({ source, url }) => ({ source, host: hostOf(url) })),
  );

  api.post(
    "/keys/import",
    {
      onRequest: signedInFresh(context, "account", "connect"),
      schema: {
        ...described(
          "keys",
          "importKeys",
          "Add the SSH public keys of a user of GitHub or GitLab. They open nothing until they are proved.",
          { 200: ImportedKeys },
        ),
        body: ImportKeys,
      },
    },
    async (request) => {
      const { account } = identityOf(request);
      const { source, user } = request.body;
      const found = options.keySources.find((each) => each.source === source);
      if (found === undefined) {
        throw new ProtocolError("not_found", `This gateway imports no keys from ${source}.`, {
          field: "source",
        });
      }
      const slot = slots.enter([account.id], () => undefined);
      if (typeof slot === "string") {
        throw new RateLimited("Keys are being imported already. Wait a moment.", 2);
      }
      try {
        const lines = await fetchKeys(fetchFrom, found.url, user);
        const actor = actorOf(request);
        const host = hostOf(found.url);
        context.store.audit({
          event: "key.imported",
          ...actor,
          detail: `${lines.length} of ${user} at ${host}`,
        });
        const keys: ImportedKey[] = [];
        for (const line of lines)
          keys.push(await imported(context, account.id, line, `${user} at ${host}`, actor));
        return { host, keys };
      } finally {
        setTimeout(() => slot.leave(), PAUSE_MS).unref();
      }
    },
  );
}

async function imported(
  { store }: ApiContext,
  accountId: AccountId,
  line: string,
  title: string,
  actor: Actor,
): Promise<ImportedKey> {
  let fingerprint: string | null = null;
  try {
    const key = parsePublicKey(line);
    fingerprint = key.fingerprint;
    const { nonce: _, ...pending } = await store.pendingKeys.add(accountId, key, title.slice(0, 100), actor);
    return { outcome: "pending", fingerprint, pending, reason: null };
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    const isRegistered = error.code === "key_taken";
    return {
      outcome: isRegistered ? "registered" : "refused",
      fingerprint,
      pending: null,
      reason: isRegistered ? null : error.message.slice(0, 500),
    };
  }
}
