// Keys that accounts have and have proved, for tests that need one and are about something else.

import type { Store } from "../../../gateway/store/store.ts";
import type { Key } from "../../../protocol/api.ts";
import type { AccountId } from "../../../protocol/values/id.ts";
import type { SshPublicKey } from "../../../protocol/values/ssh-public-key.ts";

/** As if its holder had signed in by SSH and typed the code: also for keys whose private half nobody has. */
export async function provedKey(
  store: Store,
  account: AccountId,
  key: SshPublicKey,
  title = "",
  actor = { account: "test" },
): Promise<Key> {
  const { code } = await store.pendingKeys.add(account, key, title, actor);
  await store.pendingKeys.confirm(key.fingerprint, code, undefined);
  const found = (await store.keys.list(account)).find(({ fingerprint }) => fingerprint === key.fingerprint);
  if (found === undefined) throw new Error(`${key.fingerprint} was not added`);
  return found;
}
