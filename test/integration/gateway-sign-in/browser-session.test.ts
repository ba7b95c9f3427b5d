// A browser's session by its cookie: for which requests it counts, what it may do, and how it ends.

import { describe, expect, test } from "vitest";
import { testGateway } from "../../support/test-gateway.ts";

const OWN = { "sec-fetch-site": "same-origin" };

async function signedIn() {
  const gateway = await testGateway();
  const ana = await gateway.account("ana");
  const post = (path: string, body: unknown, headers: Record<string, string>) =>
    gateway.raw("POST", `/api/v1${path}`, undefined, {
      body: JSON.stringify(body),
      headers: { "content-type": "application/json", ...headers },
    });
  const entered = await post("/session/token", { token: ana.token }, OWN);
  expect(entered.status).toBe(200);
  const header = entered.headers.get("set-cookie") ?? "";
  const cookie = header.split(";")[0] ?? "";
  const get = (path: string, headers: Record<string, string>) =>
    gateway.raw("GET", `/api/v1${path}`, undefined, { headers });
  return { gateway, ana, post, get, header, cookie, entered };
}

describe("the cookie", () => {
  test("is for this host only, and no script reads it", async () => {
    const { header } = await signedIn();
    expect(header).toMatch(
      /^__Host-sp_session=spb_[0-9A-Za-z]{49}; Path=\/; Max-Age=2592000; Secure; HttpOnly; SameSite=Lax$/,
    );
  });

  test("counts for pages of this gateway only", async () => {
    const { get, post, cookie, gateway } = await signedIn();
    expect((await get("/session", { cookie, ...OWN })).status).toBe(200);
    // A browser that does not say where a request comes from is believed for reading.
    expect((await get("/session", { cookie })).status).toBe(200);
    for (const site of ["cross-site", "same-site", "none", "", "SAME-ORIGIN", "same-origin, cross-site"]) {
      expect((await get("/session", { cookie, "sec-fetch-site": site })).status, site).toBe(401);
    }
    const token = { title: "x", scopes: ["connect"] };
    const { origin, port } = new URL(gateway.gateway.httpUrl);
    expect((await post("/tokens", token, { cookie, origin })).status).toBe(201);
    for (const evil of [
      "null",
      "https://evil.example",
      `https://127.0.0.1:${port}`,
      `http://127.0.0.1:${Number(port) + 1}`,
      `http://127.0.0.1.evil.example:${port}`,
      `${origin}.evil.example`,
      `${origin}/`,
    ]) {
      expect((await post("/tokens", token, { cookie, origin: evil })).status, evil).toBe(401);
    }
    // An unsafe request that names no origin is not from a browser that protects anybody.
    expect((await post("/tokens", token, { cookie })).status).toBe(401);
    const forwarded = {
      "x-forwarded-host": "evil.example",
      host: "evil.example",
      origin: "http://evil.example",
    };
    expect((await post("/tokens", token, { cookie, ...forwarded })).status).toBe(401);
  });

  test("is refused if it comes twice, and never adds to what a token may do", async () => {
    const { get, cookie, ana, gateway } = await signedIn();
    const twice = await get("/session", { cookie: `${cookie}; ${cookie}`, ...OWN });
    expect([twice.status, twice.body.code]).toEqual([400, "bad_request"]);
    const weak = await gateway.call("POST", "/tokens", ana.token, { title: "weak", scopes: ["connect"] });
    const both = await get("/tokens", { cookie, ...OWN, authorization: `Bearer ${weak.body.token}` });
    expect([both.status, both.body.code]).toEqual([403, "scope_missing"]);
  });

  test("opens no tunnel and no link", async () => {
    const { cookie, gateway } = await signedIn();
    for (const path of ["/tunnel", "/link"]) {
      const answer = await gateway.raw("GET", path, undefined, {
        headers: { cookie, ...OWN, "sallyport-workspace": "demo" },
      });
      expect(answer.status, path).toBeGreaterThanOrEqual(400);
    }
  });

  test("is not set by a page of somebody else", async () => {
    const { post, ana } = await signedIn();
    const answer = await post("/session/token", { token: ana.token }, { "sec-fetch-site": "cross-site" });
    expect([answer.status, answer.headers.get("set-cookie")]).toEqual([403, null]);
  });
});

test("Signing in once more renews the session, and a different account ends it", async () => {
  const { post, get, cookie, ana, gateway, entered } = await signedIn();
  const again = await post("/session/token", { token: ana.token }, { ...OWN, cookie });
  expect(again.body.signInId).toBe(entered.body.signInId);
  const renewed = again.headers.get("set-cookie")?.split(";")[0] ?? "";
  expect(renewed).not.toBe(cookie);
  expect((await get("/session", { cookie, ...OWN })).status).toBe(401);
  const bo = await gateway.account("bo");
  const other = await post("/session/token", { token: bo.token }, { ...OWN, cookie: renewed });
  expect(other.body.account.name).toBe("bo");
  // It ends right after the answer, so that no page asks with the old cookie what became of its session.
  await expect
    .poll(async () => (await get("/session", { cookie: renewed, ...OWN })).body.code)
    .toBe("token_revoked");
});

test("What is made in a browser outlives its session but not the token that it was signed in with", async () => {
  const { post, gateway, ana, cookie } = await signedIn();
  const made = await post("/tokens", { title: "made", scopes: ["connect"] }, { cookie, ...OWN });
  await gateway.raw("DELETE", "/api/v1/session", undefined, { headers: { cookie, ...OWN } });
  expect((await gateway.call("GET", "/me", made.body.token)).status).toBe(200);
  await gateway.call("DELETE", `/tokens/${ana.tokenId}`, ana.token);
  expect((await gateway.call("GET", "/me", made.body.token)).body.code).toBe("token_revoked");
});

test("A signed-in browser is listed, and signing it out elsewhere ends it and its event stream within a second", async () => {
  const { gateway, ana, get, cookie } = await signedIn();
  const listed = await gateway.call("GET", "/sign-ins", ana.token);
  expect(listed.body).toMatchObject([
    { kind: "browser", client: "dashboard", method: "token", lastUsedFrom: "127.0.0.1", current: false },
  ]);
  const stream = await gateway.send("GET", "/api/v1/events", undefined, {
    headers: { cookie, ...OWN },
  });
  expect(stream.status).toBe(200);
  const start = performance.now();
  expect((await gateway.call("DELETE", `/sign-ins/${listed.body[0].id}`, ana.token)).status).toBe(204);
  await stream.text();
  expect(performance.now() - start).toBeLessThan(1_000);
  expect((await get("/session", { cookie, ...OWN })).body.code).toBe("token_revoked");
});

test("Nobody ends the sign-in of a different account", async () => {
  const { gateway, ana } = await signedIn();
  const bo = await gateway.account("bo");
  const [{ id }] = (await gateway.call("GET", "/sign-ins", ana.token)).body;
  expect((await gateway.call("DELETE", `/sign-ins/${id}`, bo.token)).status).toBe(404);
});
