// Applies a change of accounts, tokens, keys or workspaces to the live connections of this process: sends new
// keys to hosts, and closes what a revoked credential had opened.

import { assertNever } from "../../protocol/assert-never.ts";
import type { Directory } from "../directory.ts";
import type { DirectoryChange } from "../directory-change.ts";
import type { OpenConnections } from "../open-connections.ts";
import { NativeLink } from "./native-link.ts";
import type { LinkRegistry } from "./registry.ts";

export async function followChange(
  change: DirectoryChange,
  directory: Directory,
  registry: LinkRegistry,
  connections: OpenConnections,
): Promise<void> {
  switch (change.kind) {
    case "keys":
      for (const id of change.workspaceIds) {
        const link = registry.held(id);
        if (link instanceof NativeLink) link.sendKeys(await directory.pushedKeys(id));
      }
      break;
    case "workspace":
    case "workspace-unfrozen":
    case "key-unfrozen":
    case "offers":
    case "account-enabled":
      break;
    case "workspace-removed":
      registry.held(change.id)?.close("workspace_unknown", "This workspace was deleted at the gateway.");
      connections.endWhere({ workspaceId: change.id }, "the workspace was deleted");
      break;
    case "workspace-frozen":
      registry.held(change.id)?.close("frozen", "This workspace was frozen at the gateway.");
      connections.endWhere({ workspaceId: change.id }, "the workspace was frozen");
      break;
    case "share-removed":
      connections.endWhere(
        { accountId: change.accountId, workspaceId: change.id },
        "the workspace is no longer shared",
      );
      break;
    case "key-removed":
      connections.endWhere({ accountId: change.accountId, key: change.fingerprint }, "the key was removed");
      break;
    case "key-frozen":
      connections.endWhere({ accountId: change.accountId, key: change.fingerprint }, "the key was frozen");
      break;
    case "token-revoked":
      connections.endWhere({ tokenId: change.tokenId }, "the token was revoked");
      connections.endWhere({ hostTokenId: change.tokenId }, "the token of the workspace's host was revoked");
      for (const link of [...registry.all()]) {
        if (link.credential?.tokenId === change.tokenId)
          link.close("token_revoked", "The access token was revoked.");
      }
      break;
    case "account-disabled":
      connections.endWhere({ accountId: change.accountId }, "the account was disabled");
      // Also connections of other people: with an owner token, or from an account that the workspace is
      // shared with.
      connections.endWhere({ ownerId: change.accountId }, "the workspace's account was disabled");
      for (const link of [...registry.all()]) {
        if (link.credential?.accountId === change.accountId)
          link.close("account_disabled", "The account was disabled.");
      }
      break;
    default:
      assertNever(change);
  }
}
