// What a token can pass on: no more than it may do itself, for no longer, and not after its end.

import { expect, test } from "vitest";
import { testGateway } from "../../support/test-gateway.ts";

const PUBLIC_KEY =
  "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJqSbUw1JamWFeKZSec3XarbFzU+qD+eGnqjuKUsR8f+ ada@laptop";
const HELD = "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU";
const refusal = (status: number, code: string, field?: string) => ({
  status,
  body: { code, message: expect.any(String), ...(field === undefined ? {} : { field }) },
});

test("a token that can't open a workspace can't make anything that can", async () => {
  const { call, account, workspace } = await testGateway();
  const ada = await account("ada");
  await account("bob");
  await workspace(ada.token, "box");
  const manages = await call("POST", "/tokens", ada.token, { title: "manages", scopes: ["account"] });
  for (const [path, body] of [
    ["/workspaces/box/owner-tokens", {}],
    ["/workspaces/box/shares", { account: "bob" }],
    ["/keys", { publicKey: PUBLIC_KEY }],
    ["/tokens", { title: "x", scopes: ["connect"] }],
  ] as const) {
    expect(await call("POST", path, manages.body.token, body)).toMatchObject(refusal(403, "scope_missing"));
    expect([path, (await call("POST", path, ada.token, body)).status]).toEqual([path, 201]);
  }
});

test("a token that is valid for a minute can't make one that is valid for longer, in any account", async () => {
  const { call, admin, account, workspace } = await testGateway();
  const ada = await account("ada");
  await workspace(ada.token, "box");
  const everything = ["account", "connect", "host"];
  const minute = await call("POST", "/tokens", ada.token, { title: "m", scopes: everything, expiresIn: 60 });
  const { expiresAt, id } = minute.body.info;
  for (const expiresIn of [undefined, null, 3600]) {
    const wanted = {
      title: "longer",
      scopes: ["connect"],
      ...(expiresIn === undefined ? {} : { expiresIn }),
    };
    const made = await call("POST", "/tokens", minute.body.token, wanted);
    expect(made).toMatchObject({ status: 201, body: { info: { expiresAt, parentId: id } } });
  }
  const owner = await call("POST", "/workspaces/box/owner-tokens", minute.body.token, {});
  expect(owner.body.info.expiresAt).toBe(expiresAt);

  const scopes = ["admin", "account", "connect"];
  const brief = await call("POST", "/tokens", admin, { title: "brief", scopes, expiresIn: 60 });
  const root = await call("POST", "/accounts", brief.body.token, { name: "eve", admin: true });
  const path = `/accounts/${root.body.id}/tokens`;
  const first = await call("POST", path, brief.body.token, { title: "first", scopes });
  expect(first.body.info.expiresAt).toBe(brief.body.info.expiresAt);
  const own = await call("POST", "/tokens", first.body.token, { title: "own", scopes });
  expect(own.body.info.expiresAt).toBe(brief.body.info.expiresAt);
});

test("everything that a token has made ends when the token is revoked, in other accounts too", async () => {
  const { call, admin } = await testGateway();
  const scopes = ["admin", "account", "connect"];
  const leaked = await call("POST", "/tokens", admin, { title: "leaked", scopes });
  const eve = await call("POST", "/accounts", leaked.body.token, { name: "eve" });
  const first = await call("POST", `/accounts/${eve.body.id}/tokens`, leaked.body.token, {
    title: "back door",
    scopes: ["account", "connect"],
  });
  const second = await call("POST", "/tokens", first.body.token, { title: "another", scopes: ["connect"] });
  expect((await call("GET", "/me", second.body.token)).status).toBe(200);
  expect((await call("DELETE", `/tokens/${leaked.body.info.id}`, admin)).status).toBe(204);
  for (const { body } of [leaked, first, second]) {
    expect(await call("GET", "/me", body.token)).toMatchObject(refusal(401, "token_revoked"));
  }
  expect((await call("GET", "/me", admin)).status).toBe(200);
});

test("only the owner decides about a changed host key, by its fingerprint", async () => {
  const { call, account, workspace, gateway } = await testGateway();
  const ada = await account("ada");
  const bob = await account("bob");
  const box = await workspace(ada.token, "box");
  await call("POST", "/workspaces/box/shares", ada.token, { account: "bob" });
  await call("POST", `/shares/${box.id}/accept`, bob.token);
  const hostKeys = ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBERERERERERERERERERERERERERERERERERERERERER"];
  await expect(workspace(ada.token, "box", { existing: box, hostKeys })).rejects.toMatchObject({
    code: "host_key_held",
  });
  const [held] = (await call("GET", "/workspaces/box", ada.token)).body.heldHostKeys;
  expect(held).toMatchObject({ publicKey: hostKeys[0], address: "127.0.0.1", since: expect.any(String) });
  expect((await call("GET", "/workspaces/box.ada", bob.token)).body).not.toHaveProperty("heldHostKeys");

  const decide = (token: string, body: unknown) => call("POST", "/workspaces/box/host-key", token, body);
  const accept = { fingerprint: held.fingerprint, decision: "accept" };
  const manages = await call("POST", "/tokens", ada.token, { title: "host", scopes: ["host", "connect"] });
  expect(await decide(manages.body.token, accept)).toMatchObject(refusal(403, "scope_missing"));
  expect(await call("POST", "/workspaces/box.ada/host-key", bob.token, accept)).toMatchObject(
    refusal(403, "forbidden"),
  );
  for (const wrong of [
    { ...accept, fingerprint: "x" },
    { ...accept, decision: "maybe" },
  ]) {
    expect(await decide(ada.token, wrong)).toMatchObject(refusal(400, "bad_request"));
  }
  expect(await decide(ada.token, { fingerprint: HELD, decision: "decline" })).toMatchObject(
    refusal(404, "not_found"),
  );
  const decided = await decide(ada.token, accept);
  expect(decided).toMatchObject({ status: 200, body: { name: "box", hostKeys: box.hostKeys } });
  expect(decided.body).not.toHaveProperty("heldHostKeys");
  const existing = (await gateway.store.workspace(box.id)) ?? null;
  expect((await workspace(ada.token, "box", { existing, hostKeys })).hostKeys).toEqual(hostKeys);
});
