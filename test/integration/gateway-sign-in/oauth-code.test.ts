// A program signs in by a browser: authorization request, consent, code, tokens, renewal and revocation.

import { describe, expect, test } from "vitest";
import { GRANT, OAUTH_CAPABILITY, OAUTH_PATHS } from "../../../protocol/sign-in/oauth.ts";
import { parseGatewayUrl } from "../../../protocol/values/gateway-url.ts";
import {
  allow,
  allowedCode,
  askForTokens,
  authorizationQuery,
  CLI,
  newVerifier,
  postForm,
  renew,
  signBrowserIn,
  signClientIn,
} from "../../support/oauth.ts";
import { testGateway } from "../../support/test-gateway.ts";

async function signedIn() {
  const gateway = await testGateway();
  const ana = await gateway.account("ana");
  return { gateway, ana, browser: await signBrowserIn(gateway, ana.token) };
}

test("The gateway says that it signs programs in, and how", async () => {
  const gateway = await testGateway({ publicUrl: null });
  const discovery = await gateway.raw("GET", "/.well-known/sallyport");
  expect(discovery.body.capabilities).toContain(OAUTH_CAPABILITY);
  const { body, headers } = await gateway.raw("GET", OAUTH_PATHS.metadata);
  const url = discovery.body.publicUrl;
  expect(body).toEqual({
    issuer: url,
    authorization_endpoint: `${url}/oauth/authorize`,
    token_endpoint: `${url}/oauth/token`,
    revocation_endpoint: `${url}/oauth/revoke`,
    device_authorization_endpoint: `${url}/oauth/device`,
    response_types_supported: ["code"],
    response_modes_supported: ["query"],
    grant_types_supported: ["authorization_code", "refresh_token", GRANT.device],
    token_endpoint_auth_methods_supported: ["none"],
    revocation_endpoint_auth_methods_supported: ["none"],
    code_challenge_methods_supported: ["S256"],
    scopes_supported: ["connect", "account", "host"],
    authorization_response_iss_parameter_supported: true,
  });
  expect(headers.get("access-control-allow-origin")).toBeNull();
});

test.each([
  ["browsers keep no cookie of it", { publicUrl: parseGatewayUrl("http://gateway.example") }],
  ["it has no pages", { dashboard: false }],
])("A gateway does not say so if %s", async (_why, options) => {
  const gateway = await testGateway(options);
  const { body } = await gateway.raw("GET", "/.well-known/sallyport");
  expect(body.capabilities).not.toContain(OAUTH_CAPABILITY);
});

test("A person allows a program, which gets tokens that are renewed", async () => {
  const { gateway, ana, browser } = await signedIn();
  const { verifier, challenge } = newVerifier();
  const query = authorizationQuery(challenge);
  const prompt = await browser.post("/authorizations/prompt", { query });
  expect(prompt.body).toEqual({
    client: CLI,
    device: "sallyport on laptop",
    scopes: ["connect", "account"],
    redirectTo: "127.0.0.1",
  });
  const answer = await allow(browser, query);
  expect(answer.origin + answer.pathname).toBe("http://127.0.0.1:54321/signed-in");
  expect([...answer.searchParams.keys()]).toEqual(["code", "state", "iss"]);
  expect(answer.searchParams.get("state")).toBe("a state");
  expect(answer.searchParams.get("iss")).toBe(gateway.gateway.httpUrl);
  const tokens = await askForTokens(gateway, {
    grant_type: GRANT.code,
    code: answer.searchParams.get("code") ?? "",
    redirect_uri: "http://127.0.0.1:54321/signed-in",
    code_verifier: verifier,
  });
  expect(tokens.status).toBe(200);
  expect(tokens.headers.get("cache-control")).toBe("no-store");
  expect(tokens.headers.get("access-control-allow-origin")).toBeNull();
  expect(tokens.body).toMatchObject({
    token_type: "Bearer",
    expires_in: 3_600,
    scope: "account connect",
    account: "ana",
  });
  const listed = await gateway.call("GET", "/sign-ins", tokens.body.access_token);
  expect(listed.body).toMatchObject([
    { id: tokens.body.sign_in, kind: "client", client: CLI, device: "sallyport on laptop", current: true },
    { kind: "browser" },
  ]);
  const renewed = await renew(gateway, tokens.body.refresh_token);
  expect(renewed.body).toMatchObject({
    sign_in: tokens.body.sign_in,
    account: "ana",
    scope: "account connect",
  });
  expect(renewed.body.refresh_token).not.toBe(tokens.body.refresh_token);
  expect((await gateway.call("GET", "/me", renewed.body.access_token)).body.account.name).toBe("ana");
  const events = (await gateway.call("GET", "/audit", gateway.admin)).body.map(
    ({ event }: { event: string }) => event,
  );
  expect(events).toContain("sign-in.created");
  const secrets = [tokens.body.access_token, tokens.body.refresh_token, answer.searchParams.get("code")];
  const log = gateway.logLines.join("");
  for (const secret of secrets) expect(log).not.toContain(secret);
  expect(ana.id).toMatch(/^acc_/);
});

test("A person who declines sends the program away with their answer", async () => {
  const { browser, gateway } = await signedIn();
  const query = authorizationQuery(newVerifier().challenge);
  const { body } = await browser.post("/authorizations", { query, allow: false });
  const { searchParams } = new URL(body.redirect);
  expect(Object.fromEntries(searchParams)).toEqual({
    error: "access_denied",
    state: "a state",
    iss: gateway.gateway.httpUrl,
  });
});

describe("scopes", () => {
  test("are those that the person leaves of the ones that were asked for", async () => {
    const { browser, gateway } = await signedIn();
    const { verifier, challenge } = newVerifier();
    const query = authorizationQuery(challenge, { scope: "connect account host" });
    const more = await browser.post("/authorizations", {
      query: authorizationQuery(challenge, { scope: "connect" }),
      allow: true,
      scopes: ["host"],
    });
    expect([more.status, more.body.code]).toEqual([400, "bad_request"]);
    const answer = await allow(browser, query, { scopes: ["connect"] });
    const tokens = await askForTokens(gateway, {
      grant_type: GRANT.code,
      code: answer.searchParams.get("code") ?? "",
      redirect_uri: "http://127.0.0.1:54321/signed-in",
      code_verifier: verifier,
    });
    expect(tokens.body.scope).toBe("connect");
    expect((await gateway.call("GET", "/tokens", tokens.body.access_token)).body.code).toBe("scope_missing");
  });

  test("are no more than those of the session, and the sign-in ends with the token behind it", async () => {
    const { gateway, ana } = await signedIn();
    const { body: weak } = await gateway.call("POST", "/tokens", ana.token, {
      title: "weak",
      scopes: ["account"],
    });
    const browser = await signBrowserIn(gateway, weak.token);
    const tokens = await signClientIn(gateway, browser, { scope: "connect account host" });
    expect(tokens.scope).toBe("account");
    await gateway.call("DELETE", `/tokens/${weak.info.id}`, ana.token);
    expect((await gateway.call("GET", "/me", tokens.access_token)).body.code).toBe("token_revoked");
    expect((await renew(gateway, tokens.refresh_token)).body.error).toBe("invalid_grant");
  });
});

test("A program's sign-in outlives the browser's", async () => {
  const { gateway, browser } = await signedIn();
  const tokens = await signClientIn(gateway, browser);
  await gateway.raw("DELETE", "/api/v1/session", undefined, {
    headers: { cookie: browser.cookie, "sec-fetch-site": "same-origin" },
  });
  expect((await gateway.call("GET", "/me", tokens.access_token)).status).toBe(200);
  expect((await renew(gateway, tokens.refresh_token)).status).toBe(200);
});

test("A consent is worth nothing once the session in which it was given has ended", async () => {
  const { gateway, browser } = await signedIn();
  const { form } = await allowedCode(browser);
  await gateway.raw("DELETE", "/api/v1/session", undefined, {
    headers: { cookie: browser.cookie, "sec-fetch-site": "same-origin" },
  });
  expect((await askForTokens(gateway, form)).body.error).toBe("invalid_grant");
});

test.each(["refresh_token", "access_token"] as const)("Revoking the %s ends the sign-in", async (which) => {
  const { gateway, browser } = await signedIn();
  const tokens = await signClientIn(gateway, browser);
  const other = await postForm(gateway, OAUTH_PATHS.revoke, {
    client_id: "sallyport-vscode",
    token: tokens[which],
  });
  expect([other.status, other.body]).toEqual([200, {}]);
  expect((await gateway.call("GET", "/me", tokens.access_token)).status).toBe(200);
  const form = { client_id: CLI, token: tokens[which], token_type_hint: "refresh_token" };
  for (let time = 0; time < 2; time++) {
    const revoked = await postForm(gateway, OAUTH_PATHS.revoke, form);
    expect([revoked.status, revoked.body]).toEqual([200, {}]);
  }
  expect((await gateway.call("GET", "/me", tokens.access_token)).body.code).toBe("token_revoked");
  expect((await renew(gateway, tokens.refresh_token)).body.error).toBe("invalid_grant");
});

test("Revocation knows only what the authorization server gave", async () => {
  const { gateway, ana } = await signedIn();
  for (const token of [ana.token, "spt_nonsense", "x"]) {
    const revoked = await postForm(gateway, OAUTH_PATHS.revoke, { client_id: CLI, token });
    expect([revoked.status, revoked.body]).toEqual([200, {}]);
  }
  expect((await gateway.call("GET", "/me", ana.token)).status).toBe(200);
});
