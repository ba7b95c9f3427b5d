// /people and /admin/workspaces: what administrators see and can take away, and that nobody else does.

import { describe, expect, test } from "vitest";
import { parseName } from "../../../protocol/values/name.ts";
import { testGateway } from "../../support/test-gateway.ts";

const OWN = { "sec-fetch-site": "same-origin" };
type Gateway = Awaited<ReturnType<typeof testGateway>>;

async function browserOf(gateway: Gateway, token: string): Promise<string> {
  const entered = await gateway.raw("POST", "/api/v1/session/token", undefined, {
    body: JSON.stringify({ token }),
    headers: { "content-type": "application/json", ...OWN },
  });
  expect(entered.status).toBe(200);
  return entered.headers.get("set-cookie")?.split(";")[0] ?? "";
}

describe("people", () => {
  test("are listed in pages, with what they have", async () => {
    const gateway = await testGateway();
    const ana = await gateway.account("ana");
    await gateway.account("bo");
    await gateway.workspace(ana.token, "demo");
    await browserOf(gateway, ana.token);
    const first = await gateway.call("GET", "/people?limit=2", gateway.admin);
    expect(first.body).toMatchObject({ next: "ana", total: 3 });
    expect(first.body.people.map(({ name }: { name: string }) => name)).toEqual(["admin", "ana"]);
    expect(first.body.people[1]).toMatchObject({
      admin: false,
      disabled: false,
      roleFrom: null,
      identities: [],
      passkeys: 0,
      signIns: 1,
      workspaces: 1,
      lastSeenAt: expect.any(String),
    });
    const second = await gateway.call("GET", "/people?limit=2&after=ana", gateway.admin);
    expect(second.body).toMatchObject({ next: null, total: 3, people: [{ name: "bo" }] });
    const found = await gateway.call("GET", "/people?filter=N&state=enabled", gateway.admin);
    expect(found.body.people.map(({ name }: { name: string }) => name)).toEqual(["admin", "ana"]);
    // Characters with a meaning in SQL's patterns mean themselves.
    for (const filter of ["%25", "_", "%5C", "'"]) {
      expect((await gateway.call("GET", `/people?filter=${filter}`, gateway.admin)).body.total, filter).toBe(
        0,
      );
    }
  });

  test("become administrators and stop being it, but the last one stays", async () => {
    const gateway = await testGateway();
    const ana = await gateway.account("ana");
    const [{ id }] = (await gateway.call("GET", "/people?filter=admin", gateway.admin)).body.people;
    const last = await gateway.call("PATCH", `/people/${id}`, gateway.admin, { admin: false });
    expect([last.status, last.body.code, last.body.field]).toEqual([403, "forbidden", "admin"]);
    expect((await gateway.call("PATCH", `/people/${id}`, gateway.admin, { disabled: true })).status).toBe(
      403,
    );
    expect((await gateway.call("POST", `/people/${id}/freeze`, gateway.admin)).status).toBe(403);
    expect((await gateway.call("PATCH", `/people/${ana.id}`, gateway.admin, {})).status).toBe(400);
    const raised = await gateway.call("PATCH", `/people/${ana.id}`, gateway.admin, { admin: true });
    expect([raised.status, raised.body.admin]).toEqual([200, true]);
    expect((await gateway.call("PATCH", `/people/${id}`, gateway.admin, { admin: false })).status).toBe(200);
    // The token's scope counts for nothing any more.
    expect((await gateway.call("GET", "/people", gateway.admin)).status).toBe(403);
  });

  test("whose provider decides their role keep it", async () => {
    const gateway = await testGateway();
    const ana = await gateway.account("ana");
    await gateway.database((db) =>
      db.updateTable("accounts").set({ role_from: "corp" }).where("name", "=", parseName("ana")).execute(),
    );
    const answer = await gateway.call("PATCH", `/people/${ana.id}`, gateway.admin, { admin: true });
    expect([answer.status, answer.body.code]).toEqual([403, "forbidden"]);
    expect(answer.body.message).toContain("corp");
  });

  test("that are frozen are signed out everywhere, and have to sign in again once they are unfrozen", async () => {
    const gateway = await testGateway();
    const ana = await gateway.account("ana");
    const cookie = await browserOf(gateway, ana.token);
    const stream = await gateway.send("GET", "/api/v1/events", undefined, { headers: { cookie, ...OWN } });
    const start = performance.now();
    expect((await gateway.call("POST", `/people/${ana.id}/freeze`, gateway.admin)).status).toBe(204);
    await stream.text();
    expect(performance.now() - start).toBeLessThan(1_000);
    expect((await gateway.call("GET", "/me", ana.token)).body.code).toBe("account_disabled");
    expect((await gateway.call("POST", `/people/${ana.id}/unfreeze`, gateway.admin)).status).toBe(204);
    expect((await gateway.call("GET", "/me", ana.token)).status).toBe(200);
    const session = await gateway.raw("GET", "/api/v1/session", undefined, { headers: { cookie, ...OWN } });
    expect(session.body.code).toBe("token_revoked");
  });

  test("have sign-ins that an administrator ends", async () => {
    const gateway = await testGateway();
    const ana = await gateway.account("ana");
    const bo = await gateway.account("bo");
    await browserOf(gateway, ana.token);
    const [signIn] = (await gateway.call("GET", `/people/${ana.id}/sign-ins`, gateway.admin)).body;
    expect(signIn).toMatchObject({ kind: "browser", current: false });
    // The sign-in is not bo's.
    const wrong = await gateway.call("DELETE", `/people/${bo.id}/sign-ins/${signIn.id}`, gateway.admin);
    expect(wrong.status).toBe(404);
    const right = await gateway.call("DELETE", `/people/${ana.id}/sign-ins/${signIn.id}`, gateway.admin);
    expect(right.status).toBe(204);
    expect((await gateway.call("GET", `/people/${ana.id}/sign-ins`, gateway.admin)).body).toEqual([]);
  });
});

test("Only administrators see people, workspaces, the audit log, health and settings", async () => {
  const gateway = await testGateway();
  const ana = await gateway.account("ana");
  for (const path of [
    "/people",
    `/people/${ana.id}`,
    `/people/${ana.id}/sign-ins`,
    "/admin/workspaces",
    "/admin/health",
    "/admin/settings",
    "/audit",
    "/audit.ndjson",
  ]) {
    expect((await gateway.call("GET", path, ana.token)).body.code, path).toBe("scope_missing");
    expect((await gateway.call("GET", path)).body.code, path).toBe("unauthenticated");
  }
});

test("A browser session that is not fresh changes nobody, and exports nothing", async () => {
  const gateway = await testGateway();
  const ana = await gateway.account("ana");
  const cookie = await browserOf(gateway, gateway.admin);
  await gateway.database((db) =>
    db
      .updateTable("sign_ins")
      .set({ authenticated_at: new Date(Date.now() - 11 * 60_000).toISOString() })
      .execute(),
  );
  const call = (method: string, path: string, body?: object) =>
    gateway.raw(method, `/api/v1${path}`, undefined, {
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      headers: { cookie, ...OWN, ...(body === undefined ? {} : { "content-type": "application/json" }) },
    });
  expect((await call("GET", "/people")).status).toBe(200);
  const { id } = await gateway.workspace(ana.token, "demo");
  for (const [method, path, body] of [
    ["PATCH", `/people/${ana.id}`, { admin: true }],
    ["POST", `/people/${ana.id}/freeze`],
    ["POST", `/people/${ana.id}/unfreeze`],
    ["POST", `/workspaces/${id}/freeze`],
    ["GET", "/audit.ndjson"],
  ] as const) {
    const answer = await call(method, path, body);
    expect([answer.status, answer.body.code], path).toEqual([403, "reauthentication_required"]);
  }
});

test("All workspaces are listed by name in pages, 5,000 and more of them", async () => {
  const gateway = await testGateway();
  const ana = await gateway.account("ana");
  const { id } = await gateway.workspace(ana.token, "w-0000");
  const names = Array.from({ length: 5_200 }, (_, index) => `w-${String(index + 1).padStart(4, "0")}`);
  await gateway.database(async (db) => {
    const row = await db.selectFrom("workspaces").selectAll().where("id", "=", id).executeTakeFirstOrThrow();
    for (let at = 0; at < names.length; at += 1_000) {
      const some = names.slice(at, at + 1_000);
      const ids = some.map(
        (_, index) =>
          `ws_${String(at + index)
            .replace(/\d/g, (digit) => "abcdefghij"[Number(digit)] ?? "")
            .padStart(26, "a")}`,
      );
      await db
        .insertInto("workspaces")
        .values(
          some.map((name, index) => ({
            ...row,
            id: ids[index] as typeof id,
            name: name as typeof row.name,
            asked_name: name as typeof row.name,
          })),
        )
        .execute();
    }
  });
  const seen: string[] = [];
  let after: string | null = null;
  do {
    const page = await gateway.call(
      "GET",
      `/admin/workspaces?limit=1000${after === null ? "" : `&after=${after}`}`,
      gateway.admin,
    );
    expect(page.status).toBe(200);
    expect(page.body.total).toBe(5_201);
    seen.push(...page.body.workspaces.map(({ name }: { name: string }) => name));
    after = page.body.next;
  } while (after !== null);
  expect(seen).toEqual(["w-0000", ...names]);
  const some = await gateway.call("GET", "/admin/workspaces?filter=W-519&owner=ana", gateway.admin);
  expect(some.body).toMatchObject({ total: 10, next: null });
  expect(some.body.workspaces[0]).toMatchObject({
    owner: "ana",
    online: false,
    clients: 0,
    frozen: false,
    shares: 0,
  });
  expect((await gateway.call("GET", "/admin/workspaces?after=x", gateway.admin)).status).toBe(400);
});
