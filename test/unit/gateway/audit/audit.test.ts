import { pino } from "pino";
import { expect, test } from "vitest";
import { AuditLog } from "../../../../gateway/audit/audit.ts";
import { migrate } from "../../../../gateway/store/database/migrations.ts";
import { openMemoryDatabase } from "../../../../gateway/store/database/sqlite.ts";

async function auditLog() {
  const db = openMemoryDatabase();
  await migrate(db);
  const log = pino({ level: "silent" });
  // A clock that stands still, and goes back once.
  const times = [1000, 1000, 1000, 500, 2000];
  const now = () => new Date(times.shift() ?? 3000);
  return { db, audit: new AuditLog({ db, log, now, isSecret: () => false }) };
}

test("lines are listed newest first, page by page, in the order in which they were written", async () => {
  const { audit } = await auditLog();
  for (let i = 0; i < 7; i++) audit.write({ event: `event-${i}` });
  const first = await audit.list({ limit: 4 });
  expect(first.map((row) => row.event)).toEqual(["event-6", "event-5", "event-4", "event-3"]);
  const second = await audit.list({ limit: 4, before: first.at(-1)?.id });
  expect(second.map((row) => row.event)).toEqual(["event-2", "event-1", "event-0"]);
});

test("pruning keeps the newest lines", async () => {
  const { audit } = await auditLog();
  for (let i = 0; i < 1000; i++) audit.write({ event: `event-${i}` });
  expect(await audit.prune(1000)).toBe(0);
  expect(await audit.prune(10)).toBe(990);
  const rows = await audit.list({ limit: 100 });
  expect(rows).toHaveLength(10);
  expect(rows[0]?.event).toBe("event-999");
});

test("text from others is bounded and has no control characters", async () => {
  const { audit } = await auditLog();
  audit.write({ event: "test", address: "x".repeat(1000), detail: "a\u001b[31mb\nc" });
  const [row] = await audit.list({ limit: 1 });
  expect(row?.address).toHaveLength(100);
  expect(row?.detail).toBe("a�[31mb�c");
});

test("a stranger's refusals are written up to a bound, then counted; what accounts do is always written", async () => {
  const { audit } = await auditLog();
  for (let i = 0; i < 500; i++) {
    audit.write({ event: "connection.refused", address: `2001:db8::${i.toString(16)}` });
  }
  audit.write({ event: "connection.refused", address: "192.0.2.1" });
  audit.write({ event: "token.created", account: "ann" });
  const rows = await audit.list({ limit: 1000 });
  expect(rows.filter((row) => row.address?.startsWith("2001:"))).toHaveLength(60);
  expect(rows.filter((row) => row.address === "192.0.2.1")).toHaveLength(1);
  expect(rows[0]?.event).toBe("token.created");
});

test("an address and an account have budgets of their own, and changes of state are always written", async () => {
  const { audit } = await auditLog();
  for (let i = 0; i < 700; i++) {
    audit.write({ event: "link.registered", address: "192.0.2.1", workspace: "w" });
    audit.write({ event: "tunnel.opened", account: "ann", address: "192.0.2.2" });
    audit.write({ event: "token.revoked", account: "ann", address: "192.0.2.2" });
    audit.write({ event: "workspace.host-key-held", account: "ann", address: "192.0.2.2" });
    audit.write({ event: "workspace.host-key-changed", account: "ann", address: "192.0.2.2" });
  }
  audit.write({ event: "link.registered", address: "198.51.100.1" });
  const rows = await audit.list({ limit: 5_000 });
  const count = (event: string, address: string) =>
    rows.filter((row) => row.event === event && row.address === address).length;
  expect(count("link.registered", "192.0.2.1")).toBe(60);
  expect(count("link.registered", "198.51.100.1")).toBe(1);
  expect(count("tunnel.opened", "192.0.2.2")).toBe(600);
  expect(count("token.revoked", "192.0.2.2")).toBe(700);
  // A host can make up any number of keys, but a person accepted one.
  expect(count("workspace.host-key-held", "192.0.2.2")).toBe(60);
  expect(count("workspace.host-key-changed", "192.0.2.2")).toBe(700);
});

test("when several addresses have used their budgets, another address still gets lines", async () => {
  const { audit } = await auditLog();
  for (let n = 0; n < 12; n++) {
    for (let i = 0; i < 60; i++) audit.write({ event: "connection.refused", address: `192.0.2.${n}` });
  }
  audit.write({ event: "connection.refused", address: "198.51.100.1" });
  const rows = await audit.list({ limit: 5_000 });
  expect(rows.some((row) => row.address === "198.51.100.1")).toBe(true);
  expect(rows.length).toBeLessThanOrEqual(600);
});

test("omitted lines are counted and reported when the minute is over", async () => {
  const db = openMemoryDatabase();
  await migrate(db);
  let now = 1_000_000;
  const audit = new AuditLog({
    db,
    log: pino({ level: "silent" }),
    now: () => new Date(now),
    isSecret: () => false,
  });
  for (let i = 0; i < 75; i++) audit.write({ event: "sign-in.refused", address: "192.0.2.1" });
  now += 60_000;
  audit.write({ event: "sign-in.refused", address: "192.0.2.1" });
  const rows = await audit.list({ limit: 1000 });
  expect(rows).toHaveLength(62);
  expect(rows[1]).toMatchObject({
    event: "refusals.omitted",
    detail: "15 more refusals within a minute, most of them of 192.0.2.1",
  });
});

test("pruning keeps lines about accounts, however many lines about strangers came after them", async () => {
  const { audit } = await auditLog();
  audit.write({ event: "workspace.host-key-changed" });
  for (let i = 0; i < 30; i++) audit.write({ event: "link.closed", address: "192.0.2.1" });
  for (let i = 0; i < 20; i++) audit.write({ event: "connection.refused", address: "192.0.2.1" });
  expect(await audit.prune(10)).toBe(48);
  const rows = await audit.list({ limit: 100 });
  expect(rows.map((row) => row.event)).toEqual([
    "connection.refused",
    "connection.refused",
    "workspace.host-key-changed",
  ]);
});
