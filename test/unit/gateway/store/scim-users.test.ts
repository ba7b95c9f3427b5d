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
