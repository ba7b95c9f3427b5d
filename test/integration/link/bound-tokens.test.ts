// Host tokens register one workspace each, and do not let a different machine take its place.

import { once } from "node:events";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { gatewayApi } from "../../../agent/client/gateway-api.ts";
import { loadIdentity } from "../../../agent/host/identity.ts";
import { CLOSE } from "../../../protocol/errors.ts";
import { parseTokenId } from "../../../protocol/values/id.ts";
import { parseName, parseWorkspaceRef } from "../../../protocol/values/name.ts";
import { parseAccessToken } from "../../../protocol/values/token.ts";
import { echo, TestStack } from "../../support/link.ts";

let stack: TestStack;
beforeEach(async () => {
  stack = await TestStack.start();
});
afterEach(() => stack.close());

const audited = (event: string): string[] => stack.log.filter((line) => line.includes(`"audit":"${event}"`));
const state = (name: string) => join(stack.directory, name);

test("A token that is stolen from one workspace does not register as another one, whatever the host says.", async () => {
  const ann = await stack.account("ann");
  const prod = await stack.host({ token: (await stack.token(ann, ["host"])).token, name: "prod" });
  const { token } = await stack.token(ann, ["host"]);
  const box = await stack.host({ token, name: "box", state: state("box") });
  await prod.stop();
  await expect.poll(() => stack.gateway.registry.get(prod.id)).toBeUndefined();
  for (const name of ["prod", "new"]) {
    await expect(stack.host({ token, name, state: state("box") })).rejects.toMatchObject({
      code: "token_bound",
      stage: "sign-in",
    });
  }
  // With the id of the other workspace, as its host would send it.
  await (await loadIdentity(state("thief"))).remember(stack.url, "prod", prod.id);
  await expect(stack.host({ token, name: "prod", state: state("thief") })).rejects.toMatchObject({
    code: "token_bound",
  });
  expect(stack.gateway.registry.get(box.id)).toBeDefined();
  expect(audited("workspace.host-key-held")).toEqual([]);
});

test("Of two hosts that register with one new token at once, one succeeds, and the other is told why not.", async () => {
  const { token } = await stack.token(await stack.account("ann"), ["host"]);
  const both = await Promise.allSettled(["one", "two"].map((name) => stack.host({ token, name })));
  expect(both.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
  expect(both.find(({ status }) => status === "rejected")).toMatchObject({ reason: { code: "token_bound" } });
  expect(stack.gateway.registry.size).toBe(1);
});

test("A host whose key has changed waits, says what to do, and registers once its key is accepted.", async () => {
  const ann = await stack.account("ann");
  const person = await stack.token(ann, ["account", "connect"]);
  const api = gatewayApi(stack.url, { token: parseAccessToken(person.token) });
  const dev = parseWorkspaceRef("dev");
  const { token } = await stack.token(ann, ["host"]);
  const first = await stack.host({ token });
  const known = (await api.workspace(dev)).hostKeys;
  await first.stop();
  await expect.poll(() => stack.gateway.registry.size).toBe(0);

  const coming = stack.host({ token });
  await expect.poll(async () => (await api.workspace(dev)).heldHostKeys).toHaveLength(1);
  const { heldHostKeys, hostKeys, online } = await api.workspace(dev);
  expect([hostKeys, online]).toEqual([known, false]);
  const fingerprint = heldHostKeys?.[0]?.fingerprint ?? "";
  await api.decideHostKey(dev, { fingerprint, decision: "accept" });
  const second = await coming;
  expect(second.id).toBe(first.id);
  expect(second.logged.join("")).toContain(`sallyport workspace host-key dev --accept ${fingerprint}`);
  expect((await api.workspace(dev)).hostKeys).not.toEqual(known);
  const events = ["held", "accepted", "changed"].map((word) => audited(`workspace.host-key-${word}`).length);
  expect(events).toEqual([1, 1, 1]);
});

test("A host whose key is declined gives up, and the previous host can still register.", async () => {
  const ann = await stack.account("ann");
  const person = await stack.token(ann, ["account", "connect"]);
  const api = gatewayApi(stack.url, { token: parseAccessToken(person.token) });
  const dev = parseWorkspaceRef("dev");
  const { token } = await stack.token(ann, ["host"]);
  const first = await stack.host({ token, state: state("true") });
  await first.stop();
  await expect.poll(() => stack.gateway.registry.size).toBe(0);
  const thief = stack.host({ token, state: state("thief") });
  const refused = expect(thief).rejects.toMatchObject({ code: "identity_mismatch" });
  await expect.poll(async () => (await api.workspace(dev)).heldHostKeys).toHaveLength(1);
  const back = await stack.host({ token, state: state("true") });
  expect(back.id).toBe(first.id);
  const fingerprint = (await api.workspace(dev)).heldHostKeys?.[0]?.fingerprint ?? "";
  await api.decideHostKey(dev, { fingerprint, decision: "decline" });
  await back.stop();
  await refused;
});

test("An accepted key takes over from a host that is still online.", async () => {
  const ann = await stack.account("ann");
  const { token } = await stack.token(ann, ["host"]);
  const first = await stack.host({ token });
  const { publicKey } = await loadIdentity(state("second"));
  const { store } = stack.gateway;
  const record = await store.workspace(first.id);
  if (record?.owner == null) throw new Error("no workspace");
  const owned = { ...record, owner: record.owner };
  await store.hostKeyDecisions.accept(owned, publicKey.fingerprint, { account: "ann" });
  expect((await stack.host({ token, state: state("second") })).id).toBe(first.id);
  expect(await first.ended).toMatchObject({ code: "fenced" });
});

test("Tunnels that were opened with a token's descendants end when the token is revoked.", async () => {
  const { store } = stack.gateway;
  const ann = await stack.account("ann");
  const parent = await stack.token(ann, ["account", "connect", "host"]);
  const parentId = parseTokenId(parent.info.id);
  const apart = await stack.token(ann, ["connect"]);
  const api = gatewayApi(stack.url, { token: parseAccessToken(parent.token) });
  const name = parseName("dev");
  const forHost = await api.createToken({ title: "h", scopes: ["host"], expiresIn: null, workspace: name });
  const child = await api.createToken({ title: "c", scopes: ["connect"], expiresIn: null });
  await stack.host({ token: (await stack.token(ann, ["host"])).token, name: "dev" });
  const owner = await api.createOwnerToken(parseWorkspaceRef("dev"), 3600);
  const tunnels = await Promise.all(
    [child.token, owner.token, apart.token].map((token) => stack.tunnel("dev", token)),
  );
  for (const tunnel of tunnels) expect(await echo(tunnel, "hello")).toBe("hello");
  const [byChild, byOwner, byOther] = tunnels;
  if (byChild === undefined || byOwner === undefined || byOther === undefined) throw new Error("no tunnels");
  const closed = Promise.all([once(byChild, "close"), once(byOwner, "close")]);
  await store.tokens.revoke(ann, parentId, { account: "ann" });
  expect((await closed).map(([code]) => code)).toEqual([CLOSE.refused, CLOSE.refused]);
  expect(await echo(byOther, "still here")).toBe("still here");
  await expect(stack.host({ token: forHost.token, name: "dev" })).rejects.toMatchObject({
    code: "token_revoked",
  });
});
