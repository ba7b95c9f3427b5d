// Invitations in the store: bounded, and forgotten after a while.

import { expect, test } from "vitest";
import { parseName } from "../../../../protocol/values/name.ts";
import { DAY, MINUTE, memoryStore } from "./memory-store.ts";

const FROM = "192.0.2.7";
const link = (name: string) => ({
  kind: "sign-in" as const,
  name: parseName(name),
  admin: false,
  expiresInSeconds: 3_600,
  creator: null,
});

test("a link expires, and is forgotten a month later", async () => {
  const { store, account, pass } = await memoryStore();
  await account("ana");
  const { code } = await store.invitations.create(link("ana"), { account: "test" });
  pass(59 * MINUTE);
  await store.invitations.open({ code });
  pass(2 * MINUTE);
  await expect(store.invitations.takeSignIn(code, FROM)).rejects.toMatchObject({ code: "token_expired" });
  expect(await store.invitations.list()).toHaveLength(1);
  pass(31 * DAY);
  await store.invitations.prune();
  expect(await store.invitations.list()).toEqual([]);
});

test("a link that a token makes expires no later than the token", async () => {
  const { store, account, actor } = await memoryStore();
  const root = await account("root", { admin: true });
  const { info } = await store.tokens.create(
    { accountId: root.id, title: "short", scopes: ["admin"], expiresInSeconds: 60 },
    actor,
  );
  const creator = { id: root.id, token: info.id as typeof root.tokenId };
  const made = await store.invitations.create({ ...link("root"), creator }, actor);
  expect(made.info.expiresAt).toBe(info.expiresAt);
});

test("all administrators together have at most a thousand open links", async () => {
  const { store, account, actor } = await memoryStore();
  for (let maker = 0; maker < 10; maker++) {
    const { id } = await account(`root${maker}`, { admin: true });
    for (let count = 0; count < 100; count++) {
      await store.invitations.create({ ...link("root0"), creator: { id, token: null } }, actor);
    }
  }
  const { id } = await account("root-x", { admin: true });
  await expect(
    store.invitations.create({ ...link("root0"), creator: { id, token: null } }, actor),
  ).rejects.toMatchObject({ code: "limit_reached" });
});
