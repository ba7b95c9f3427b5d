import { expect, test } from "vitest";
import { parseFromPrimary, parseFromWorker } from "../../../../gateway/cluster/messages.ts";
import type { DirectoryChange } from "../../../../gateway/directory-change.ts";
import { newAccountId, newTokenId, newWorkspaceId } from "../../../../protocol/values/id.ts";

/** One of each kind; the type requires all of them. */
const changes: { readonly [K in DirectoryChange["kind"]]: Extract<DirectoryChange, { kind: K }> } = {
  keys: { kind: "keys", workspaceIds: [newWorkspaceId(), newWorkspaceId()] },
  workspace: { kind: "workspace", id: newWorkspaceId(), accountless: true },
  "workspace-removed": { kind: "workspace-removed", id: newWorkspaceId() },
  "workspace-frozen": { kind: "workspace-frozen", id: newWorkspaceId() },
  "workspace-unfrozen": { kind: "workspace-unfrozen", id: newWorkspaceId() },
  "key-frozen": { kind: "key-frozen", accountId: newAccountId(), fingerprint: `SHA256:${"a".repeat(43)}` },
  "key-unfrozen": {
    kind: "key-unfrozen",
    accountId: newAccountId(),
    fingerprint: `SHA256:${"a".repeat(43)}`,
  },
  "share-removed": { kind: "share-removed", id: newWorkspaceId(), accountId: newAccountId() },
  offers: { kind: "offers", accountId: newAccountId() },
  "key-removed": { kind: "key-removed", accountId: newAccountId(), fingerprint: `SHA256:${"a".repeat(43)}` },
  "token-revoked": { kind: "token-revoked", tokenId: newTokenId() },
  "account-disabled": { kind: "account-disabled", accountId: newAccountId() },
  "account-enabled": { kind: "account-enabled", accountId: newAccountId() },
};

test.each(Object.values(changes))("a change of the kind $kind reaches the other processes", (change) => {
  const message = { type: "news", news: { kind: "directory", change, durability: "pending" } };
  const sent: unknown = JSON.parse(JSON.stringify(message));
  expect(parseFromWorker(sent)).toEqual(message);
  expect(parseFromPrimary(sent)).toEqual(message);
});

test("a malformed change is refused", () => {
  const news = (change: object) => ({
    type: "news",
    news: { kind: "directory", change, durability: "written" },
  });
  expect(() => parseFromWorker(news({ kind: "unheard-of" }))).toThrow(TypeError);
  expect(() => parseFromWorker(news({ kind: "token-revoked", tokenId: "tok_1" }))).toThrow(TypeError);
  expect(() => parseFromWorker(news({ ...changes["token-revoked"], more: 1 }))).toThrow(TypeError);
});
