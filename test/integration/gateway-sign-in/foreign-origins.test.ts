// A page of somebody else, in a browser that is signed in here: none of its requests counts, whichever route it asks. The
// routes are those of the OpenAPI document, so that a new one is covered by itself. Holes that others had: Gitpod's WebSockets
// (CVE-2023-0957), Coder's and Fastify's trust in forwarding headers (GHSA-5g4w-3vw9-478w, CVE-2026-3635).

import { expect, test } from "vitest";
import { testGateway } from "../../support/test-gateway.ts";

const OWN = { "sec-fetch-site": "same-origin" };
/** The cookie may count for safe requests of browsers that do not say where a request comes from, and for no others. */
const SAFE = new Set(["get", "head"]);

type Gateway = Awaited<ReturnType<typeof testGateway>>;

async function cookieOf(gateway: Gateway, token: string): Promise<string> {
  const entered = await gateway.raw("POST", "/api/v1/session/token", undefined, {
    body: JSON.stringify({ token }),
    headers: { "content-type": "application/json", ...OWN },
  });
  expect(entered.status).toBe(200);
  return entered.headers.get("set-cookie")?.split(";")[0] ?? "";
}

/** Headers that a browser sends for a page of a different origin, or that a proxy in front adds. */
function foreign(httpUrl: string): Record<string, string>[] {
  const { port } = new URL(httpUrl);
  const origins = [
    ...["null", "https://evil.example", `https://127.0.0.1:${port}`, `http://127.0.0.1:${Number(port) + 1}`],
    ...[`http://app.127.0.0.1.nip.example:${port}`, `http://localhost:${port}`, `${httpUrl}.evil.example`],
  ];
  return [
    {},
    ...origins.map((origin) => ({ origin })),
    ...["cross-site", "same-site", "none"].map((site) => ({ "sec-fetch-site": site })),
    // It says the truth of itself, and something else about the public address.
    {
      origin: "http://evil.example",
      "x-forwarded-host": "evil.example",
      "x-forwarded-proto": "http",
      forwarded: "host=evil.example;proto=http",
      "x-original-host": "evil.example",
    },
  ];
}

interface Route {
  readonly method: string;
  readonly path: string;
}

async function routesOf(gateway: Gateway): Promise<Route[]> {
  const { body } = await gateway.raw("GET", "/api/v1/openapi.json");
  return Object.entries(body.paths as Record<string, Record<string, { security?: unknown }>>).flatMap(
    ([path, methods]) =>
      Object.entries(methods)
        .filter(([, { security }]) => security !== undefined)
        .map(([method]) => ({ method, path })),
  );
}

/** Values that have the right form and name nothing. */
function filled(path: string): string {
  const prefix: Record<string, string> = {
    "/keys/": "key_",
    "/accounts/": "acc_",
    "/people/": "acc_",
    "/tokens/": "tok_",
    "/sign-ins/": "tok_",
    "/owner-tokens/": "tok_",
    "/shares/": "ws_",
    "/connections/": "con_",
    "/identities/": "idt_",
    "/passkeys/": "pk_",
    "/invitations/": "inv_",
  };
  return path.replace(/(\/[a-z-]+\/)\{([a-zA-Z]+)\}/g, (_match, before: string, name: string) => {
    if (name === "ref") return `${before}demo`;
    if (name === "account") return `${before}bo`;
    return `${before}${prefix[before] ?? ""}${"a".repeat(26)}`;
  });
}

test("The cookie counts for no unsafe request that a foreign page makes, on any route", async () => {
  const gateway = await testGateway();
  const ana = await gateway.account("ana");
  await gateway.workspace(ana.token, "demo");
  const cookie = await cookieOf(gateway, gateway.admin);
  const unsafe = (await routesOf(gateway)).filter(({ method }) => !SAFE.has(method));
  expect(unsafe.length).toBeGreaterThan(25);
  // These take no cookie at all, or only what a form of a program brings; what is asked of them is in their own tests.
  const own = /^\/(?:oauth|scim|sign-in)\//;
  let tried = 0;
  for (const { method, path } of unsafe.filter((route) => !own.test(route.path))) {
    for (const headers of foreign(gateway.gateway.httpUrl)) {
      const answer = await gateway.send(method.toUpperCase(), filled(path), undefined, {
        body: "{}",
        headers: { cookie, "content-type": "application/json", ...headers },
      });
      const text = await answer.text();
      const code = text === "" ? "" : String(JSON.parse(text).code);
      const where = `${method} ${path} with ${JSON.stringify(headers)}: ${answer.status} ${code}`;
      // A route that anybody may ask first looks whether its body fits; it never goes on from there.
      expect([400, 401, 403, 404], where).toContain(answer.status);
      if (answer.status === 404) expect(code, where).not.toBe("workspace_unknown");
      expect(answer.headers.get("set-cookie"), where).toBeNull();
      tried++;
    }
  }
  expect(tried).toBeGreaterThan(250);
  // Nothing has happened.
  const events = (await gateway.gateway.store.auditLog.list({ limit: 1_000 })).map(({ event }) => event);
  expect(new Set(events)).toEqual(
    new Set(["account.created", "token.created", "workspace.created", "sign-in.created"]),
  );
});

test("With a page of this gateway the same requests reach the routes, so that the test above can fail", async () => {
  const gateway = await testGateway();
  const cookie = await cookieOf(gateway, gateway.admin);
  const unsafe = (await routesOf(gateway)).filter(
    ({ method, path }) => !SAFE.has(method) && /\/(keys|people|workspaces)/.test(path),
  );
  for (const { method, path } of unsafe) {
    const answer = await gateway.raw(method.toUpperCase(), filled(path), undefined, {
      body: "{}",
      headers: { cookie, "content-type": "application/json", ...OWN },
    });
    expect(answer.status, `${method} ${path}`).not.toBe(401);
  }
});

test("The event stream and everything that is read answer no foreign page that says what it is", async () => {
  const gateway = await testGateway();
  const cookie = await cookieOf(gateway, gateway.admin);
  const safe = (await routesOf(gateway)).filter(
    ({ method, path }) => SAFE.has(method) && path.startsWith("/api/v1/") && !/sign-in-methods$/.test(path),
  );
  expect(safe.map(({ path }) => path)).toContain("/api/v1/events");
  for (const { path } of safe) {
    for (const headers of foreign(gateway.gateway.httpUrl).slice(1)) {
      const answer = await gateway.send("GET", filled(path), undefined, { headers: { cookie, ...headers } });
      const text = await answer.text();
      const where = `${path} with ${JSON.stringify(headers)}: ${answer.status} ${text.slice(0, 80)}`;
      expect([400, 401, 403, 404, 409], where).toContain(answer.status);
      // Nobody's page may read what is there by a rule of the browser either.
      expect(answer.headers.get("access-control-allow-origin"), where).toBeNull();
    }
  }
});

test("A forwarding header of somebody untrusted changes neither links, cookies nor the discovery document", async () => {
  const gateway = await testGateway();
  const headers = {
    "x-forwarded-host": "evil.example",
    "x-forwarded-proto": "https",
    "x-forwarded-for": "192.0.2.9",
    forwarded: "for=192.0.2.9;host=evil.example;proto=https",
    host: "evil.example",
  };
  const plain = await gateway.raw("GET", "/.well-known/sallyport");
  expect((await gateway.raw("GET", "/.well-known/sallyport", undefined, { headers })).body).toEqual(
    plain.body,
  );
  await gateway.raw("GET", "/api/v1/me", "spt_wrong", { headers });
  const [refused] = await gateway.gateway.store.auditLog.list({ limit: 1, event: "sign-in.refused" });
  expect(refused).toMatchObject({ address: "127.0.0.1" });
  const page = await gateway.send("GET", "/", undefined, { headers });
  expect(await page.text()).not.toContain("evil.example");
});

test("Sign-in answers the same for names that exist and names that do not", async () => {
  const gateway = await testGateway();
  const ana = await gateway.account("ana");
  await gateway.call("PATCH", `/people/${ana.id}`, gateway.admin, { disabled: true });
  const post = (path: string, body: unknown) =>
    gateway.raw("POST", `/api/v1${path}`, undefined, {
      body: JSON.stringify(body),
      headers: { "content-type": "application/json", ...OWN },
    });
  // A passkey is asked for without a name, so there is nothing to try names with.
  const [one, other] = [
    await post("/session/passkey/options", {}),
    await post("/session/passkey/options", {}),
  ];
  const shape = (answer: typeof one) => [
    answer.status,
    Object.keys(answer.body.options ?? answer.body).sort(),
  ];
  expect(shape(one)).toEqual(shape(other));
  for (const body of [{ name: "ana" }, { account: "nobody" }]) {
    const answer = await post("/session/passkey/options", body);
    expect(JSON.stringify(answer.body)).not.toContain("ana");
  }
  const wrong = await post("/session/token", { token: `spt_${"0".repeat(49)}` });
  expect(JSON.stringify(wrong.body)).not.toContain("ana");
});

test("After signing out, being disabled, or being frozen, an open event stream ends within a second", async () => {
  const gateway = await testGateway();
  const ana = await gateway.account("ana");
  const ended = async (end: (cookie: string) => Promise<{ status: number }>): Promise<void> => {
    const cookie = await cookieOf(gateway, ana.token);
    const stream = await gateway.send("GET", "/api/v1/events", undefined, { headers: { cookie, ...OWN } });
    expect(stream.status).toBe(200);
    const start = performance.now();
    expect((await end(cookie)).status).toBeLessThan(300);
    await stream.text();
    expect(performance.now() - start).toBeLessThan(1_000);
    const after = await gateway.raw("GET", "/api/v1/session", undefined, { headers: { cookie, ...OWN } });
    expect(after.status).toBeGreaterThanOrEqual(401);
    await gateway.call("POST", `/people/${ana.id}/unfreeze`, gateway.admin);
  };
  await ended((cookie) =>
    gateway.raw("DELETE", "/api/v1/session", undefined, { headers: { cookie, ...OWN } }),
  );
  await ended(() => gateway.call("PATCH", `/people/${ana.id}`, gateway.admin, { disabled: true }));
  await ended(() => gateway.call("POST", `/people/${ana.id}/freeze`, gateway.admin));
});

test("Nobody sees or ends what belongs to somebody else", async () => {
  const gateway = await testGateway();
  const ana = await gateway.account("ana");
  const eve = await gateway.account("eve");
  await gateway.workspace(ana.token, "demo");
  await cookieOf(gateway, ana.token);
  const [signIn] = (await gateway.call("GET", "/sign-ins", ana.token)).body;
  for (const path of ["/sign-ins", "/keys", "/keys/pending", "/workspaces", "/shares"]) {
    expect((await gateway.call("GET", path, eve.token)).body, path).toEqual([]);
  }
  const activity = (await gateway.call("GET", "/activity", eve.token)).body;
  expect(activity.filter(({ account }: { account: string }) => account !== "eve")).toEqual([]);
  const tokens = (await gateway.call("GET", "/tokens", eve.token)).body;
  expect(tokens.map(({ id }: { id: string }) => id)).toEqual([eve.tokenId]);
  for (const [method, path] of [
    ["DELETE", `/sign-ins/${signIn.id}`],
    ["DELETE", `/tokens/${ana.tokenId}`],
    ["DELETE", `/tokens/${signIn.id}`],
    ["GET", "/workspaces/demo.ana/connections"],
    ["POST", "/workspaces/demo.ana/freeze"],
    ["POST", "/workspaces/demo.ana/unfreeze"],
    ["DELETE", "/workspaces/demo.ana"],
    ["PATCH", `/people/${ana.id}`],
    ["POST", `/people/${ana.id}/freeze`],
    ["DELETE", `/people/${ana.id}/sign-ins/${signIn.id}`],
  ] as const) {
    const answer = await gateway.call(
      method,
      path,
      eve.token,
      method === "PATCH" ? { admin: true } : undefined,
    );
    expect([403, 404], `${method} ${path}`).toContain(answer.status);
  }
  expect((await gateway.call("GET", "/sign-ins", ana.token)).body).toHaveLength(1);
  expect((await gateway.call("GET", "/me", ana.token)).status).toBe(200);
});
