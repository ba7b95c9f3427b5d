import { expect, test } from "vitest";
import { testGateway } from "../../support/test-gateway.ts";

const refusal = (status: number, code: string, field?: string) => ({
  status,
  body: { code, message: expect.any(String), ...(field === undefined ? {} : { field }) },
});

test("a workspace is listed, shown by name and id, renamed and deleted by its owner", async () => {
  const { call, account, workspace } = await testGateway();
  const ada = await account("ada");
  const box = await workspace(ada.token, "box");
  const expected = { id: box.id, name: "box", owner: "ada", mine: true, online: false, clients: 0 };
  expect((await call("GET", "/workspaces", ada.token)).body).toMatchObject([expected]);
  for (const ref of ["box", "box.ada", box.id]) {
    expect(await call("GET", `/workspaces/${ref}`, ada.token)).toMatchObject({ status: 200, body: expected });
  }
  const renamed = await call("PATCH", "/workspaces/box", ada.token, { name: "crate" });
  expect(renamed).toMatchObject({ status: 200, body: { id: box.id, name: "crate" } });
  expect(await call("PATCH", "/workspaces/crate", ada.token, { name: "../x" })).toMatchObject(
    refusal(400, "bad_name", "name"),
  );
  expect((await call("DELETE", "/workspaces/crate", ada.token)).status).toBe(204);
  expect(await call("GET", "/workspaces/crate", ada.token)).toMatchObject(
    refusal(404, "workspace_unknown", "workspace"),
  );
});

test("a stranger learns nothing about a workspace, and an account that it is shared with may not manage it", async () => {
  const { call, account, workspace } = await testGateway();
  const ada = await account("ada");
  const bob = await account("bob");
  const box = await workspace(ada.token, "box");
  const unknown = refusal(404, "workspace_unknown", "workspace");
  const paths = [`/workspaces/${box.id}`, "/workspaces/box.ada", `/workspaces/ws_${"a".repeat(26)}`];
  const bodies = new Set<string>();
  for (const path of paths) {
    const answer = await call("GET", path, bob.token);
    expect(answer).toMatchObject(unknown);
    bodies.add(JSON.stringify(answer.body));
  }
  expect(bodies.size).toBe(1);
  expect(await call("DELETE", `/workspaces/${box.id}`, bob.token)).toMatchObject(unknown);

  const share = await call("POST", `/workspaces/${box.id}/shares`, ada.token, { account: "bob" });
  expect(share).toMatchObject({ status: 201, body: { account: "bob", pending: true } });
  expect((await call("GET", "/workspaces/box/shares", ada.token)).body).toEqual([share.body]);
  expect((await call("POST", `/shares/${box.id}/accept`, bob.token)).status).toBe(204);
  expect((await call("GET", "/workspaces", bob.token)).body).toMatchObject([{ id: box.id, mine: false }]);
  for (const [method, path, body] of [
    ["PATCH", "", { name: "mine" }],
    ["DELETE", "", undefined],
    ["GET", "/shares", undefined],
    ["POST", "/shares", { account: "bob" }],
    ["POST", "/owner-tokens", {}],
    ["GET", "/owner-tokens", undefined],
  ] as const) {
    expect(await call(method, `/workspaces/box.ada${path}`, bob.token, body)).toMatchObject(
      refusal(403, "forbidden"),
    );
  }
  expect((await call("DELETE", "/workspaces/box/shares/bob", ada.token)).status).toBe(204);
  expect(await call("GET", "/workspaces/box.ada", bob.token)).toMatchObject(unknown);
  expect(await call("POST", "/workspaces/box/shares", ada.token, { account: "nobody" })).toMatchObject(
    refusal(404, "not_found", "account"),
  );
});

test("an owner token is created with an expiry, listed without its secret, and revoked", async () => {
  const { call, account, workspace, gateway } = await testGateway();
  const ada = await account("ada");
  const box = await workspace(ada.token, "box");
  const minted = await call("POST", "/workspaces/box/owner-tokens", ada.token, { expiresIn: 60 });
  expect(minted.status).toBe(201);
  expect(minted.body.token).toMatch(/^spo_/);
  expect((await gateway.store.authenticateOwnerToken(minted.body.token)).workspaceId).toBe(box.id);
  const list = await call("GET", "/workspaces/box/owner-tokens", ada.token);
  expect(list.body).toMatchObject([{ id: minted.body.info.id, expiresAt: minted.body.info.expiresAt }]);
  expect(JSON.stringify(list.body)).not.toContain("spo_");
  const path = `/workspaces/box/owner-tokens/${minted.body.info.id}`;
  expect((await call("DELETE", path, ada.token)).status).toBe(204);
  await expect(gateway.store.authenticateOwnerToken(minted.body.token)).rejects.toMatchObject({
    code: "token_revoked",
  });
  const tooLong = { expiresIn: 30 * 24 * 3600 + 1 };
  expect(await call("POST", "/workspaces/box/owner-tokens", ada.token, tooLong)).toMatchObject(
    refusal(400, "bad_request", "expiresIn"),
  );
  expect(await call("DELETE", "/workspaces/box/owner-tokens/x", ada.token)).toMatchObject(
    refusal(400, "bad_id", "tokenId"),
  );
});

test("the number of owner tokens is bounded, and the refusal has its own code", async () => {
  const { call, account, workspace } = await testGateway();
  const ada = await account("ada");
  await workspace(ada.token, "box");
  for (let i = 0; i < 100; i++) await call("POST", "/workspaces/box/owner-tokens", ada.token, {});
  expect(await call("POST", "/workspaces/box/owner-tokens", ada.token, {})).toMatchObject(
    refusal(409, "limit_reached"),
  );
});
