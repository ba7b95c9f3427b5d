// The first start of a gateway makes an administrator, and an access token with every scope unless none is wanted.

import { SCOPES } from "../../protocol/api.ts";
import { parseName } from "../../protocol/values/name.ts";
import type { Store } from "../store/store.ts";

/** Returns the token, which is shown once; undefined if there are accounts already, or if none is wanted. */
export async function createFirstAdmin(store: Store, wantsToken: boolean): Promise<string | undefined> {
  if (!(await store.accounts.isEmpty())) return undefined;
  const account = await store.accounts.create(parseName("admin"), true, null);
  if (!wantsToken) return undefined;
  const wanted = { accountId: account.id, title: "first start", scopes: SCOPES, expiresInSeconds: null };
  const { token } = await store.tokens.create(wanted, { account: account.name });
  return token;
}
