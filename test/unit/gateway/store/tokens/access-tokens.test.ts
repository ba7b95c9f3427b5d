import { expect, test } from "vitest";
import { SCOPES } from "../../../../../protocol/api.ts";
import { newAccessToken } from "../../../../../protocol/values/token.ts";
import { MINUTE, memoryStore } from "../memory-store.ts";

const code = (value: string) => expect.objectContaining({ code: value });

test("a token identifies its account and scopes", async () => {
  const { store, account } = await memoryStore();
  const ada = await account("ada", { scopes: ["connect", "host"] });
  const identity = await store.authenticate(ada.token);
  expect(identity.account).toEqual({ id: ada.id, name: "ada", admin: false });
  expect([...identity.scopes].sort()).toEqual(["connect", "host"]);
});

test("a token that is cut off, unknown, expired, revoked or of a disabled account is refused with its own code", async () => {
  const { store, account, actor, pass } = await memoryStore();
  const ada = await account("ada");
  await expect(store.authenticate(ada.token.slice(0, -1))).rejects.toEqual(code("bad_token"));
  await expect(store.authenticate(newAccessToken())).rejects.toEqual(code("token_unknown"));

  const wanted = { accountId: ada.id, title: "short", scopes: SCOPES, expiresInSeconds: 60 };
  const { token: short } = await store.tokens.create(wanted, actor);
  pass(MINUTE - 1);
  await store.authenticate(short);
  pass(1);
  await expect(store.authenticate(short)).rejects.toEqual(code("token_expired"));

  await store.accounts.setDisabled(ada.id, true, actor);
  await expect(store.authenticate(ada.token)).rejects.toEqual(code("account_disabled"));
  await store.accounts.setDisabled(ada.id, false, actor);
  await store.authenticate(ada.token);

  await store.tokens.revoke(ada.id, ada.tokenId, actor);
  await expect(store.authenticate(ada.token)).rejects.toEqual(code("token_revoked"));
  await expect(store.tokens.recheck(ada.tokenId)).rejects.toEqual(code("token_revoked"));
});

test("the scope admin has no effect if the account is not an administrator", async () => {
  const { account } = await memoryStore();
  const ada = await account("ada", { scopes: SCOPES });
  expect(ada.identity.scopes.has("admin")).toBe(false);
  const root = await account("root", { admin: true });
  expect(root.identity.scopes.has("admin")).toBe(true);
});

test("a token's last use is written at most once a minute", async () => {
  const { store, account, pass } = await memoryStore();
  const ada = await account("ada");
  const lastUse = async () => (await store.tokens.info(ada.tokenId))?.lastUsedAt;
  expect(await lastUse()).toBe("2030-01-01T00:00:00.000Z");
  pass(MINUTE - 1);
  await store.authenticate(ada.token);
  expect(await lastUse()).toBe("2030-01-01T00:00:00.000Z");
  pass(1);
  await store.authenticate(ada.token);
  expect(await lastUse()).toBe("2030-01-01T00:01:00.000Z");
});

test("a revocation is announced to live connections once it is durable, and only the owner may revoke", async () => {
  const { store, account, actor, changes } = await memoryStore();
  const ada = await account("ada");
  const bob = await account("bob");
  await expect(store.tokens.revoke(bob.id, ada.tokenId, actor)).rejects.toEqual(code("not_found"));
  expect(changes).toEqual([]);
  await store.tokens.revoke(ada.id, ada.tokenId, actor);
  expect(changes).toEqual([{ kind: "token-revoked", tokenId: ada.tokenId }]);
  expect(await store.tokens.list(ada.id)).toEqual([]);
});

test("an account has at most 100 valid tokens; expired ones do not count, and are forgotten later", async () => {
  const { store, account, actor, pass } = await memoryStore();
  const ada = await account("ada");
  const wanted = { accountId: ada.id, title: "x", scopes: SCOPES, expiresInSeconds: 60 };
  const created = [];
  for (let i = 0; i < 99; i++) created.push(await store.tokens.create(wanted, actor));
  await expect(store.tokens.create(wanted, actor)).rejects.toEqual(code("limit_reached"));
  pass(MINUTE);
  const { token } = await store.tokens.create({ ...wanted, expiresInSeconds: null }, actor);
  await expect(store.authenticate(created[0]?.token ?? "")).rejects.toEqual(code("token_expired"));
  pass(31 * 24 * 60 * MINUTE);
  await store.prune(() => false);
  await expect(store.authenticate(created[0]?.token ?? "")).rejects.toEqual(code("token_unknown"));
  await store.authenticate(token);
});

test("neither the token nor its hash is in the log", async () => {
  const { store, account, logLines } = await memoryStore();
  const { token } = await account("ada");
  store.audit({ event: "test", detail: `leaked ${token}` });
  expect(logLines.some((line) => line.includes("token.created"))).toBe(true);
  expect(logLines.join("")).not.toContain(token);
  expect(JSON.stringify(await store.auditLog.list({ limit: 10 }))).not.toContain(token);
});
