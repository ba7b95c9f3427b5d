// Accounts of SCIM in the store: who gets one at a first sign-in, and who may enable what.

import { expect, test } from "vitest";
import { memoryStore } from "./memory-store.ts";

async function provisioned() {
  const store = await memoryStore();
  const wanted = { userName: "ana@corp.example", externalId: "subject-1", display: "Ana", active: true };
  const ana = await store.store.scimUsers.create(wanted, store.actor);
  return { ...store, ana, wanted };
}

test("a subject that is an external id gets SCIM's account once, and then nobody else does", async () => {
  const { store, ana, actor } = await provisioned();
  expect(await store.identities.scimAccount("subject-2")).toBeUndefined();
  expect(await store.identities.scimAccount("subject-1")).toBe(ana.account_id);
  const facts = { provider: "main", issuer: "https://idp.example", subject: "subject-1", display: "Ana" };
  await store.identities.link(ana.account_id, facts, actor);
  // Those who hold SCIM's token point the account at somebody else.
  await store.scimUsers.update(ana.account_id, { externalId: "subject-2" });
  expect(await store.identities.scimAccount("subject-2")).toBeUndefined();
});

test("only what SCIM has disabled is enabled by it", async () => {
  const { store, ana, actor } = await provisioned();
  const isDisabled = async () => (await store.scimUsers.get(ana.account_id))?.disabled;
  await store.scimUsers.setActive(ana.account_id, false, actor);
  expect(await isDisabled()).toBe(true);
  await store.scimUsers.setActive(ana.account_id, true, actor);
  expect(await isDisabled()).toBe(false);
  await store.accounts.setDisabled(ana.account_id, true, actor);
  await store.scimUsers.setActive(ana.account_id, true, actor);
  expect(await isDisabled()).toBe(true);
});

test("what an administrator has disabled stays so, also if SCIM had disabled it before", async () => {
  const { store, ana, actor } = await provisioned();
  const isDisabled = async () => (await store.scimUsers.get(ana.account_id))?.disabled;
  const byAdmin = (disabled: boolean) => store.accounts.setDisabled(ana.account_id, disabled, actor);
  await store.scimUsers.setActive(ana.account_id, false, actor);
  await byAdmin(true);
  await store.scimUsers.setActive(ana.account_id, true, actor);
  expect(await isDisabled()).toBe(true);
  // The same with a time between the two in which it was enabled.
  await byAdmin(false);
  await store.scimUsers.setActive(ana.account_id, false, actor);
  await byAdmin(false);
  await store.freezing.person(ana.account_id, actor);
  await store.scimUsers.setActive(ana.account_id, true, actor);
  expect(await isDisabled()).toBe(true);
});

test("an external id finds no account that somebody has come to by a different way", async () => {
  const ways = {
    passkey: async ({ store, ana, actor }: Awaited<ReturnType<typeof provisioned>>) => {
      const passkey = { title: "x", credentialId: "c", publicKey: "k", counter: 0, transports: [] };
      await store.passkeys.add(ana.account_id, passkey, null, actor);
    },
    link: async ({ store, ana, actor }: Awaited<ReturnType<typeof provisioned>>) => {
      const where = { client: "dashboard", device: "x", address: "192.0.2.1" };
      await store.signIns.createBrowser(
        { accountId: ana.account_id, method: "link", scopes: ["account"], ...where },
        actor,
      );
    },
    token: async ({ store, ana, actor }: Awaited<ReturnType<typeof provisioned>>) => {
      const wanted = { accountId: ana.account_id, title: "x", expiresInSeconds: null };
      const { token } = await store.tokens.create({ ...wanted, scopes: ["connect"] }, actor);
      // One that nobody has used is nobody's yet.
      expect(await store.identities.scimAccount("subject-1")).toBe(ana.account_id);
      await store.authenticate(token, "192.0.2.1");
    },
  };
  for (const [way, come] of Object.entries(ways)) {
    const one = await provisioned();
    await come(one);
    await one.store.scimUsers.update(one.ana.account_id, { externalId: "subject-2" });
    expect(await one.store.identities.scimAccount("subject-2"), way).toBeUndefined();
  }
});

test("users that are named alike get accounts with numbers", async () => {
  const { store, actor, account } = await provisioned();
  await account("bo");
  const names: string[] = [];
  for (const domain of ["a", "b", "c"]) {
    const userName = `bo@${domain}.example`;
    const made = await store.scimUsers.create(
      { userName, externalId: null, display: "Bo", active: true },
      actor,
    );
    names.push(made.name);
  }
  expect(names).toEqual(["bo-2", "bo-3", "bo-4"]);
  const long = { externalId: null, display: "x", active: true };
  const one = await store.scimUsers.create({ ...long, userName: `${"x".repeat(50)}@a` }, actor);
  const two = await store.scimUsers.create({ ...long, userName: `${"x".repeat(50)}@b` }, actor);
  expect([one.name, two.name]).toEqual(["x".repeat(40), `${"x".repeat(38)}-2`]);
});
