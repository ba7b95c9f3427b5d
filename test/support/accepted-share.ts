// A workspace that is shared with another account and accepted by it.

import type { Store } from "../../gateway/store/store.ts";
import type { OwnedWorkspace } from "../../gateway/store/workspaces.ts";
import { parseName } from "../../protocol/values/name.ts";

export async function acceptedShare(store: Store, workspace: OwnedWorkspace, account: string): Promise<void> {
  const name = parseName(account);
  await store.shares.add(workspace, name, { account: workspace.owner.name });
  const other = await store.accountByName(name);
  if (other === undefined) throw new Error(`there is no account ${name}`);
  await store.shares.accept(workspace.id, other.id, { account: name });
}
