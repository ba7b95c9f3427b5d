import { expect, test } from "vitest";
import type { NewAccessToken } from "../../../../../gateway/store/tokens/access-tokens.ts";
import { parseTokenId, type TokenId } from "../../../../../protocol/values/id.ts";
import { parseName } from "../../../../../protocol/values/name.ts";
import { DAY, MINUTE, memoryStore } from "../memory-store.ts";

const code = (value: string) => expect.objectContaining({ code: value });

async function family() {
  const memory = await memoryStore();
  const { store, actor, account } = memory;
  const ada = await account("ada");
  const child = async (parent: TokenId, more: Partial<NewAccessToken> = {}) => {
    const wanted = { accountId: ada.id, title: "child", scopes: ["connect"], expiresInSeconds: null, parent };
    const { token, info } = await store.tokens.create({ ...wanted, ...more } as NewAccessToken, actor);
    return { token, info, id: parseTokenId(info.id) };
  };
  return { ...memory, ada, child };
}

test("a token without an expiry still ends with the token that made it", async () => {
  const { store, ada, child, pass, register, actor } = await family();
  const minute = await child(ada.tokenId, { expiresInSeconds: 60 });
  const never = await child(minute.id);
  const long = await child(minute.id, { expiresInSeconds: 3600 });
  const short = await child(minute.id, { expiresInSeconds: 30 });
  expect(never.info.expiresAt).toBe(minute.info.expiresAt);
  expect(long.info.expiresAt).toBe(minute.info.expiresAt);
  expect(short.info.expiresAt).toBe("2030-01-01T00:00:30.000Z");
  const box = await register(ada.identity, "box");
  const owned = await store.workspaces.resolveOwned({ kind: "id", id: box.id }, ada.identity);
  const owner = await store.ownerTokens.create(owned, 3600, actor, minute.id);
  expect(owner.info.expiresAt).toBe(minute.info.expiresAt);
  pass(MINUTE);
  for (const { token } of [never, long, short]) {
    await expect(store.authenticate(token)).rejects.toEqual(code("token_expired"));
  }
  await expect(store.authenticateOwnerToken(owner.token)).rejects.toEqual(code("token_expired"));
  await expect(child(minute.id)).rejects.toEqual(code("token_expired"));
});

test("revoking a token revokes all its descendants, and each is announced to live connections", async () => {
  const { store, ada, child, register, changes, actor } = await family();
  const parent = await child(ada.tokenId);
  const first = await child(parent.id);
  const second = await child(first.id);
  const apart = await child(ada.tokenId);
  const box = await register(ada.identity, "box");
  const owned = await store.workspaces.resolveOwned({ kind: "id", id: box.id }, ada.identity);
  const owner = await store.ownerTokens.create(owned, 3600, actor, second.id);
  changes.length = 0;
  await store.tokens.revoke(ada.id, parent.id, actor);
  const revoked = [parent.id, first.id, second.id, owner.info.id];
  expect(changes.map((change) => "tokenId" in change && change.tokenId).sort()).toEqual(revoked.sort());
  for (const { token } of [parent, first, second]) {
    await expect(store.authenticate(token)).rejects.toEqual(code("token_revoked"));
  }
  await expect(store.authenticateOwnerToken(owner.token)).rejects.toEqual(code("token_revoked"));
  expect((await store.authenticate(apart.token)).account.name).toBe("ada");
  const audit = await store.auditLog.list({ limit: 10 });
  expect(audit.filter(({ event }) => event === "token.revoked")).toHaveLength(4);
});

test("a revoked token can't make tokens, and the number of generations is bounded", async () => {
  const { store, ada, child, actor } = await family();
  let last = await child(ada.tokenId);
  for (let generation = 2; generation <= 8; generation++) last = await child(last.id);
  await expect(child(last.id)).rejects.toEqual(code("limit_reached"));
  const parent = await child(ada.tokenId);
  await store.tokens.revoke(ada.id, parent.id, actor);
  await expect(child(parent.id)).rejects.toEqual(code("token_revoked"));
});

test("a token that is forgotten can no longer be revoked, so everything that it opened ends", async () => {
  const { store, actor, account, changes, pass } = await memoryStore();
  const ada = await account("ada");
  const make = async (seconds: number) => {
    const wanted = { accountId: ada.id, title: "t", scopes: ["host"], parent: ada.tokenId } as const;
    const { info } = await store.tokens.create({ ...wanted, expiresInSeconds: seconds }, actor);
    return parseTokenId(info.id);
  };
  const [crowdedOut, revoked] = [await make(1), await make(1)];
  await store.tokens.revoke(ada.id, revoked, actor);
  for (let n = 0; n < 5; n++) {
    pass(2_000);
    for (let m = 0; m < 90; m++) await make(1);
  }
  const ended = () => changes.flatMap((change) => (change.kind === "token-revoked" ? [change.tokenId] : []));
  expect(await store.tokens.info(crowdedOut)).toBeUndefined();
  expect(ended()).toContain(crowdedOut);
  // It was announced when it was revoked.
  expect(await store.tokens.info(revoked)).toBeUndefined();
  expect(ended().filter((id) => id === revoked)).toHaveLength(1);
  const old = await make(1);
  pass(31 * DAY);
  await store.prune(() => false);
  expect(await store.tokens.info(old)).toBeUndefined();
  expect(ended()).toContain(old);
  await expect(store.authenticate(ada.token)).resolves.toBeDefined();
});

test("only a host token can be for one workspace or reusable, but not both", async () => {
  const { ada, child } = await family();
  const workspace = parseName("box");
  for (const wrong of [
    { scopes: ["connect"], workspace },
    { scopes: ["account", "host"], workspace },
    { scopes: ["account", "host"], reusable: true },
    { scopes: ["host"], reusable: true, workspace },
  ] as const) {
    await expect(child(ada.tokenId, wrong)).rejects.toEqual(code("bad_request"));
  }
  expect((await child(ada.tokenId, { scopes: ["host"], workspace })).info).toMatchObject({
    workspace: "box",
  });
  expect((await child(ada.tokenId, { scopes: ["host"], reusable: true })).info).toMatchObject({
    reusable: true,
    parentId: ada.tokenId,
  });
});
