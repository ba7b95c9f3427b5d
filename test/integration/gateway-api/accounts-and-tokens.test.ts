import { expect, test } from "vitest";
import { newAccessToken, newOwnerToken } from "../../../protocol/values/token.ts";
import { testGateway } from "../../support/test-gateway.ts";

const refusal = (status: number, code: string, field?: string) => ({
  status,
  body: { code, message: expect.any(String), ...(field === undefined ? {} : { field }) },
});

test("an administrator creates an account and its first token", async () => {
  const { call, admin } = await testGateway();
  const created = await call("POST", "/accounts", admin, { name: "ada" });
  expect(created).toMatchObject({ status: 201, body: { name: "ada", admin: false, disabled: false } });
  const minted = await call("POST", `/accounts/${created.body.id}/tokens`, admin, {
    title: "first",
    scopes: ["connect", "account"],
    expiresIn: 3600,
  });
  expect(minted.status).toBe(201);
  const me = await call("GET", "/me", minted.body.token);
  expect(me).toMatchObject({ status: 200, body: { account: { name: "ada" }, token: { title: "first" } } });
  expect(me.body.token.scopes.sort()).toEqual(["account", "connect"]);
  const list = await call("GET", "/accounts", admin);
  expect(list.body.map((account: { name: string }) => account.name)).toEqual(["ada", "admin"]);
});

test("each wrong request about accounts is refused with its own code and field", async () => {
  const { call, admin, account } = await testGateway();
  const ada = await account("ada");
  expect(await call("POST", "/accounts", admin, { name: "ada" })).toMatchObject(
    refusal(409, "name_taken", "name"),
  );
  expect(await call("POST", "/accounts", admin, { name: "-x" })).toMatchObject(
    refusal(400, "bad_name", "name"),
  );
  expect(await call("POST", "/accounts", admin, { name: "a".repeat(41) })).toMatchObject(
    refusal(400, "bad_name", "name"),
  );
  expect(await call("POST", "/accounts", admin, {})).toMatchObject(refusal(400, "bad_request", "name"));
  expect(await call("POST", "/accounts", admin, { name: "x", root: true })).toMatchObject(
    refusal(400, "bad_request", "root"),
  );
  expect(await call("PATCH", "/accounts/nonsense", admin, { disabled: true })).toMatchObject(
    refusal(400, "bad_id", "id"),
  );
  const unknown = `/accounts/acc_${"a".repeat(26)}`;
  expect(await call("PATCH", unknown, admin, { disabled: true })).toMatchObject(refusal(404, "not_found"));
  expect(await call("GET", "/accounts", ada.token)).toMatchObject(refusal(403, "scope_missing"));
  expect(await call("GET", "/audit", ada.token)).toMatchObject(refusal(403, "scope_missing"));
});

test("disabling an account shuts it out at once; the last administrator can't be disabled", async () => {
  const { call, admin, account } = await testGateway();
  const ada = await account("ada");
  expect((await call("GET", "/me", ada.token)).status).toBe(200);
  expect((await call("PATCH", `/accounts/${ada.id}`, admin, { disabled: true })).body.disabled).toBe(true);
  expect(await call("GET", "/me", ada.token)).toMatchObject(refusal(403, "account_disabled"));
  await call("PATCH", `/accounts/${ada.id}`, admin, { disabled: false });
  expect((await call("GET", "/me", ada.token)).status).toBe(200);
  const me = await call("GET", "/me", admin);
  expect(await call("PATCH", `/accounts/${me.body.account.id}`, admin, { disabled: true })).toMatchObject(
    refusal(403, "forbidden", "disabled"),
  );
});

test("a token can't make a token that can do more than itself", async () => {
  const { call, admin, account } = await testGateway();
  const ada = await account("ada", ["account", "connect"]);
  const token = { title: "x", scopes: ["connect"] };
  expect((await call("POST", "/tokens", ada.token, token)).status).toBe(201);
  expect(await call("POST", "/tokens", ada.token, { ...token, scopes: ["host"] })).toMatchObject(
    refusal(403, "scope_missing", "scopes"),
  );
  expect(
    await call("POST", `/accounts/${ada.id}/tokens`, admin, { ...token, scopes: ["admin"] }),
  ).toMatchObject(refusal(403, "forbidden", "scopes"));
  expect(await call("POST", "/tokens", ada.token, { ...token, scopes: ["root"] })).toMatchObject(
    refusal(400, "bad_request", "scopes"),
  );
  expect(await call("POST", "/tokens", ada.token, { ...token, expiresIn: -1 })).toMatchObject(
    refusal(400, "bad_request", "expiresIn"),
  );
});

test("a revoked token is refused at once, and the list shows no secrets", async () => {
  const { call, account } = await testGateway();
  const ada = await account("ada");
  const minted = await call("POST", "/tokens", ada.token, { title: "laptop", scopes: ["connect"] });
  const list = await call("GET", "/tokens", ada.token);
  expect(list.body).toHaveLength(2);
  expect(JSON.stringify(list.body)).not.toContain("spt_");
  expect((await call("DELETE", `/tokens/${minted.body.info.id}`, ada.token)).status).toBe(204);
  expect(await call("GET", "/me", minted.body.token)).toMatchObject(refusal(401, "token_revoked"));
  expect(await call("DELETE", `/tokens/${minted.body.info.id}`, ada.token)).toMatchObject(
    refusal(404, "not_found"),
  );
});

test("a token without the scope account may revoke only itself", async () => {
  const { call, account } = await testGateway();
  const ada = await account("ada");
  const minted = await call("POST", "/tokens", ada.token, { title: "laptop", scopes: ["connect"] });
  const { token, info } = minted.body;
  expect(await call("DELETE", `/tokens/${ada.tokenId}`, token)).toMatchObject(refusal(403, "scope_missing"));
  expect((await call("DELETE", `/tokens/${info.id}`, token)).status).toBe(204);
  expect(await call("GET", "/me", token)).toMatchObject(refusal(401, "token_revoked"));
});

test("each kind of bad credential has its own code, and a token in the query string is not accepted", async () => {
  const { call, raw, admin, account } = await testGateway();
  const missing = await call("GET", "/me");
  expect(missing).toMatchObject(refusal(401, "unauthenticated"));
  expect(missing.headers.get("www-authenticate")).toBe('Bearer realm="sallyport"');
  const unknown = await call("GET", "/me", newAccessToken());
  expect(unknown).toMatchObject(refusal(401, "token_unknown"));
  expect(unknown.headers.get("www-authenticate")).toContain('error="invalid_token"');
  expect(await call("GET", "/me", newOwnerToken())).toMatchObject(refusal(400, "bad_token", "token"));
  expect(await call("GET", "/me", "nonsense")).toMatchObject(refusal(400, "bad_token", "token"));
  const basic = { headers: { authorization: `Basic ${btoa(`x:${admin}`)}` } };
  expect(await raw("GET", "/api/v1/me", undefined, basic)).toMatchObject(refusal(400, "bad_token"));
  expect(await call("GET", `/me?token=${admin}&access_token=${admin}`)).toMatchObject(
    refusal(401, "unauthenticated"),
  );
  const host = await account("box", ["host"]);
  expect(await call("GET", "/me", host.token)).toMatchObject(refusal(403, "scope_missing"));
  expect(await call("GET", "/workspaces", host.token)).toMatchObject(refusal(403, "scope_missing"));
  expect(await call("GET", "/keys", host.token)).toMatchObject(refusal(403, "scope_missing"));
});

test("after 30 failed sign-ins an address has to wait, and a good token still works", async () => {
  const { call, admin } = await testGateway();
  for (let i = 0; i < 30; i++) {
    expect((await call("GET", "/me", newAccessToken())).body.code).toBe("token_unknown");
  }
  const refused = await call("GET", "/me", newAccessToken());
  expect(refused).toMatchObject(refusal(429, "rate_limited"));
  expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
  expect((await call("GET", "/me", admin)).status).toBe(200);
});

test("the audit log says, page by page, who did what and from which address", async () => {
  const { call, admin, account } = await testGateway();
  const ada = await account("ada");
  await call("DELETE", `/tokens/${ada.tokenId}`, ada.token);
  await call("GET", "/me", newAccessToken());
  const first = await call("GET", "/audit?limit=2", admin);
  expect(first.body).toMatchObject([
    { event: "sign-in.refused", code: "token_unknown", address: "127.0.0.1" },
    { event: "token.revoked", account: "ada", token: ada.tokenId, address: "127.0.0.1" },
  ]);
  const second = await call("GET", `/audit?limit=2&before=${first.body[1].id}`, admin);
  expect(second.body.map((entry: { event: string }) => entry.event)).toEqual([
    "token.created",
    "account.created",
  ]);
  expect(await call("GET", "/audit?limit=0", admin)).toMatchObject(refusal(400, "bad_request", "limit"));
  expect(await call("GET", "/audit?before=%27", admin)).toMatchObject(refusal(400, "bad_request", "before"));
});
