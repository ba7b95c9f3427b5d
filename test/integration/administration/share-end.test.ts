// Workspaces that are shared until a time: what is open ends at that moment, in time and without anybody's doing.

import { once } from "node:events";
import { afterEach, beforeEach, expect, test } from "vitest";
import { TestStack } from "../../support/link.ts";

let stack: TestStack;
let owner: string;
let guest: string;
let id: string;

beforeEach(async () => {
  stack = await TestStack.start();
  owner = (await stack.token(await stack.account("ada"), ["host", "connect", "account"])).token;
  guest = (await stack.token(await stack.account("bob"), ["connect", "account"])).token;
  ({ id } = await stack.host({ token: owner }));
});
afterEach(() => stack.close());

async function call(method: string, path: string, token: string, body?: object) {
  const response = await fetch(`${stack.url}/api/v1${path}`, {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      ...(body === undefined ? {} : { "content-type": "application/json" }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, body: text === "" ? null : JSON.parse(text) };
}

const share = (expiresAt?: string | null) =>
  call("POST", "/workspaces/dev/shares", owner, {
    account: "bob",
    ...(expiresAt === undefined ? {} : { expiresAt }),
  });
const soon = (ms: number) => new Date(Date.now() + ms).toISOString();

test("A tunnel ends when the share does, and the workspace is out of reach from then on", async () => {
  const end = soon(4_000);
  expect((await share(end)).body).toMatchObject({ pending: true, expiresAt: end });
  expect((await call("GET", "/shares", guest)).body).toMatchObject([{ id, pending: true, expiresAt: end }]);
  expect((await call("POST", `/shares/${id}/accept`, guest)).status).toBe(204);
  const tunnel = await stack.tunnel("dev.ada", guest);
  const own = await stack.tunnel("dev", owner);
  const closed = once(tunnel, "close");
  tunnel.resume();
  const [code, reason] = await closed;
  const late = Date.now() - Date.parse(end);
  expect([code, String(reason)]).toEqual([4002, "the workspace is no longer shared"]);
  expect(late).toBeGreaterThanOrEqual(0);
  expect(late).toBeLessThan(1_000);
  expect(own.readyState).toBe(own.OPEN);
  await expect(stack.tunnel("dev.ada", guest)).rejects.toMatchObject({ code: "workspace_unknown" });
  expect((await call("GET", "/shares", guest)).body).toEqual([]);
  expect((await call("GET", "/workspaces/dev/shares", owner)).body).toEqual([]);
  const [entry] = await stack.gateway.store.auditLog.list({ limit: 1, event: "share.expired" });
  expect(entry).toMatchObject({ workspace: id, detail: "bob" });
});

test("The end can be moved and taken away; sharing again without one keeps it", async () => {
  const end = soon(3_600_000);
  await share(end);
  expect((await share()).body.expiresAt).toBe(end);
  const later = soon(7_200_000);
  expect((await share(later)).body.expiresAt).toBe(later);
  expect((await call("GET", "/workspaces/dev/shares", owner)).body).toMatchObject([
    { account: "bob", expiresAt: later },
  ]);
  expect((await share(null)).body.expiresAt).toBeNull();
  for (const past of [soon(-1_000), "1970-01-01T00:00:00Z"]) {
    expect((await share(past)).body).toMatchObject({ code: "bad_request", field: "expiresAt" });
  }
  expect((await share("9999-12-31T23:59:59-10:00")).body).toMatchObject({
    code: "bad_request",
    field: "expiresAt",
  });
  // An end that is moved closer counts as well.
  await call("POST", `/shares/${id}/accept`, guest);
  const tunnel = await stack.tunnel("dev.ada", guest);
  const closed = once(tunnel, "close");
  tunnel.resume();
  await share(soon(1_500));
  expect((await closed)[0]).toBe(4002);
});
