// The audit log with filters, as an export, and an account's own part of it.

import { expect, test } from "vitest";
import { testGateway } from "../../support/test-gateway.ts";

type Entry = {
  readonly id: string;
  readonly event: string;
  readonly account: string | null;
  readonly time: string;
};

test("Entries are found by event, account, workspace, address, code and time", async () => {
  const gateway = await testGateway();
  const ana = await gateway.account("ana");
  const { id } = await gateway.workspace(ana.token, "demo");
  await gateway.call("GET", "/me", "spt_wrong");
  await gateway.call("PATCH", `/workspaces/${id}`, ana.token, { name: "demo2" });
  const read = async (query: string): Promise<Entry[]> => {
    const answer = await gateway.call("GET", `/audit?${query}`, gateway.admin);
    expect(answer.status, query).toBe(200);
    return answer.body;
  };
  const all = await read("limit=1000");
  expect((await read("event=workspace")).map(({ event }) => event)).toEqual([
    "workspace.renamed",
    "workspace.created",
  ]);
  expect((await read("event=workspace.renamed")).length).toBe(1);
  expect(await read("event=orkspace")).toEqual([]);
  expect(await read(`workspace=${id}`)).toEqual(all.filter((entry) => entry.event.startsWith("workspace.")));
  const anas = await read("account=ana");
  expect(anas.length).toBeGreaterThan(0);
  expect(anas).toEqual(all.filter(({ account }) => account === "ana"));
  expect((await read("code=bad_token")).map(({ event }) => event)).toEqual(["sign-in.refused"]);
  expect((await read("address=127.0.0.1")).length).toBeGreaterThan(3);
  expect(await read("address=192.0.2.1")).toEqual([]);
  const middle = all[2]?.time ?? "";
  const [from, to] = [await read(`from=${middle}`), await read(`to=${middle}`)];
  expect([...from, ...to]).toEqual(all);
  expect(to.every(({ time }) => time < middle)).toBe(true);
  // With a time zone, whose plus sign a URL has to encode.
  expect((await read(`from=${encodeURIComponent("2020-01-01T00:00:00+02:00")}`)).length).toBe(all.length);
  expect((await gateway.call("GET", "/audit?from=2020-01-01T23:59:60Z", gateway.admin)).body.code).toBe(
    "bad_request",
  );
  expect((await gateway.call("GET", "/audit?from=yesterday", gateway.admin)).status).toBe(400);
  expect((await gateway.call("GET", "/audit?unknown=1", gateway.admin)).status).toBe(400);
});

test("The export has every entry once, newest first, and follows the same filters", async () => {
  const gateway = await testGateway();
  for (let index = 0; index < 1_203; index++) {
    gateway.gateway.store.audit({ event: index % 2 === 0 ? "test.even" : "test.odd", account: "admin" });
  }
  const response = await gateway.send("GET", "/api/v1/audit.ndjson?event=test.", gateway.admin);
  expect(response.headers.get("content-type")).toBe("application/x-ndjson; charset=utf-8");
  expect(response.headers.get("content-disposition")).toBe('attachment; filename="audit.ndjson"');
  const lines = (await response.text())
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Entry);
  expect(lines.length).toBe(1_203);
  expect(lines.map(({ id }) => id)).toEqual(
    lines
      .map(({ id }) => id)
      .toSorted()
      .toReversed(),
  );
  expect(new Set(lines.map(({ id }) => id)).size).toBe(1_203);
  const odd = await gateway.send("GET", "/api/v1/audit.ndjson?event=test.odd", gateway.admin);
  expect((await odd.text()).trimEnd().split("\n").length).toBe(601);
});

test("Two exports run at a time, and one that its reader leaves makes room", async () => {
  const gateway = await testGateway();
  const big = "x".repeat(1_900);
  // More than the sockets between the two take.
  for (let index = 0; index < 9_000; index++)
    gateway.gateway.store.audit({ event: "test.big", account: "admin", detail: big });
  const leave = new AbortController();
  const open = () => gateway.send("GET", "/api/v1/audit.ndjson", gateway.admin, { signal: leave.signal });
  const held = [await open(), await open()];
  expect(held.map(({ status }) => status)).toEqual([200, 200]);
  const third = await gateway.call("GET", "/audit.ndjson", gateway.admin);
  expect([third.status, third.body.code]).toEqual([429, "rate_limited"]);
  expect(third.headers.get("retry-after")).toBe("10");
  leave.abort();
  await expect
    .poll(
      async () => {
        const again = await gateway.send("GET", "/api/v1/audit.ndjson?event=none", gateway.admin);
        await again.text();
        return again.status;
      },
      { timeout: 10_000 },
    )
    .toBe(200);
});

test("The export is no way around the protection of the cookie", async () => {
  const gateway = await testGateway();
  const entered = await gateway.raw("POST", "/api/v1/session/token", undefined, {
    body: JSON.stringify({ token: gateway.admin }),
    headers: { "content-type": "application/json", "sec-fetch-site": "same-origin" },
  });
  const cookie = entered.headers.get("set-cookie")?.split(";")[0] ?? "";
  const status = async (headers: Record<string, string>): Promise<number> => {
    const answer = await gateway.send("GET", "/api/v1/audit.ndjson", undefined, {
      headers: { cookie, ...headers },
    });
    await answer.text();
    return answer.status;
  };
  expect(await status({ "sec-fetch-site": "same-origin" })).toBe(200);
  for (const site of ["cross-site", "same-site", "none"]) {
    expect(await status({ "sec-fetch-site": site }), site).toBe(401);
  }
});

test("Everybody reads their own activity, and nobody else's", async () => {
  const gateway = await testGateway();
  const ana = await gateway.account("ana");
  const bo = await gateway.account("bo");
  await gateway.call("POST", "/tokens", ana.token, { title: "x", scopes: ["connect"] });
  await gateway.call("POST", "/tokens", bo.token, { title: "x", scopes: ["connect"] });
  const own = await gateway.call("GET", "/activity?limit=50", ana.token);
  expect(own.body.map(({ event }: Entry) => event)).toEqual(["token.created"]);
  expect(own.body.every(({ account }: Entry) => account === "ana")).toBe(true);
  expect((await gateway.call("GET", "/activity?account=bo", ana.token)).status).toBe(400);
  const eventsOf = async (query: string): Promise<string[]> =>
    (await gateway.call("GET", `/activity?${query}`, ana.token)).body.map(({ event }: Entry) => event);
  expect(await eventsOf("event=token")).toEqual(["token.created"]);
  expect(await eventsOf("event=key")).toEqual([]);
  expect(await eventsOf("to=2020-01-01T00:00:00Z")).toEqual([]);
  expect((await gateway.call("GET", `/activity?before=${own.body[0].id}`, ana.token)).body).toEqual([]);
});
