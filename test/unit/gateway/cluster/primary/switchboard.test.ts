import { expect, test } from "vitest";
import type { FromPrimary, RouteId, RouteRecord } from "../../../../../gateway/cluster/messages.ts";
import { parseFromPrimary, parseFromWorker } from "../../../../../gateway/cluster/messages.ts";
import { Switchboard } from "../../../../../gateway/cluster/primary/switchboard.ts";
import { newWorkspaceId } from "../../../../../protocol/values/id.ts";

class TestWorker {
  readonly slot: number;
  readonly heard: FromPrimary[] = [];

  constructor(slot: number) {
    this.slot = slot;
  }

  send(message: FromPrimary): void {
    this.heard.push(parseFromPrimary(structuredClone(message)));
  }

  /** The messages since the last call. */
  news(): FromPrimary[] {
    return this.heard.splice(0);
  }
}

function route(id: RouteId, worker: TestWorker, claim: string, generation?: bigint): RouteRecord {
  const common = {
    id,
    claim,
    slot: worker.slot,
    since: 1,
    address: "192.0.2.1",
    credential: null,
    hostKeys: [],
  };
  return generation === undefined
    ? common
    : { ...common, session: { generation: String(generation), allowed: null } };
}

function two(): { switchboard: Switchboard; a: TestWorker; b: TestWorker } {
  const switchboard = new Switchboard();
  const [a, b] = [new TestWorker(0), new TestWorker(1)];
  switchboard.add(a);
  switchboard.add(b);
  return { switchboard, a, b };
}

const id = newWorkspaceId();

test("the worker that claims last holds a workspace, and the previous one is told that its link is fenced", () => {
  const { switchboard, a, b } = two();
  switchboard.receive(a, { type: "claim", route: route(id, a, "1.1") });
  expect(a.news()).toEqual(b.news());
  switchboard.receive(b, { type: "claim", route: route(id, b, "2.1") });
  expect(a.news()).toEqual([
    { type: "fenced", id, claim: "1.1" },
    { type: "route", route: route(id, b, "2.1") },
  ]);
  expect(b.news()).toEqual([{ type: "route", route: route(id, b, "2.1") }]);
});

test("a release that arrives after a newer claim removes nothing", () => {
  const { switchboard, a, b } = two();
  switchboard.receive(a, { type: "claim", route: route(id, a, "1.1") });
  switchboard.receive(b, { type: "claim", route: route(id, b, "2.1") });
  switchboard.receive(a, { type: "release", id, claim: "1.1", how: "cut" });
  expect(switchboard.routes()).toEqual([route(id, b, "2.1")]);
  switchboard.receive(b, { type: "release", id, claim: "2.1", how: "left" });
  expect(switchboard.routes()).toEqual([]);
});

test("an older registration of an upterm host does not replace a newer one, however late it arrives", () => {
  const { switchboard, a, b } = two();
  const key = `upterm_${"0".repeat(64)}` as const;
  switchboard.receive(a, { type: "claim", route: route(key, a, "1.1", 5n) });
  switchboard.receive(b, { type: "claim", route: route(key, b, "2.1", 4n) });
  expect(b.news().at(-1)).toEqual({ type: "fenced", id: key, claim: "2.1" });
  switchboard.receive(b, { type: "claim", route: route(key, b, "2.2", 6n) });
  expect(switchboard.routes()).toEqual([route(key, b, "2.2", 6n)]);
});

test("a worker that has ended holds no routes, no streams and no mutex", async () => {
  const { switchboard, a, b } = two();
  const other = newWorkspaceId();
  switchboard.receive(a, { type: "claim", route: route(id, a, "1.1") });
  switchboard.receive(b, { type: "claim", route: route(other, b, "2.1") });
  switchboard.receive(a, { type: "streams", id: other, claim: "2.1", count: 3 });
  switchboard.receive(a, { type: "turn", request: 1, name: "ada/dev" });
  switchboard.receive(b, { type: "turn", request: 7, name: "ada/dev" });
  await Promise.resolve();
  b.news();
  switchboard.remove(a);
  await expect.poll(() => b.heard.at(-1)).toEqual({ type: "turn", request: 7 });
  expect(b.news()).toEqual([
    { type: "worker-gone", slot: 0 },
    { type: "route-gone", id, claim: "1.1", how: "cut" },
    { type: "streams", id: other, claim: "2.1", slot: 0, count: 0 },
    { type: "turn", request: 7 },
  ]);
  // What it had sent before comes too late.
  switchboard.receive(a, { type: "claim", route: route(id, a, "1.2") });
  expect(switchboard.routes()).toEqual([route(other, b, "2.1")]);
});

test("registrations with the same key run one after the other, and with different keys at once", async () => {
  const { switchboard, a, b } = two();
  switchboard.receive(a, { type: "turn", request: 1, name: "ada/dev" });
  switchboard.receive(b, { type: "turn", request: 1, name: "ada/dev" });
  switchboard.receive(b, { type: "turn", request: 2, name: "ada/web" });
  await expect.poll(() => b.heard).toEqual([{ type: "turn", request: 2 }]);
  expect(a.heard).toEqual([{ type: "turn", request: 1 }]);
  switchboard.receive(a, { type: "turn-over", request: 1 });
  await expect.poll(() => b.heard.at(-1)).toEqual({ type: "turn", request: 1 });
});

test("what a worker asks of a link reaches the holder of that claim, and never of a later one", () => {
  const { switchboard, a, b } = two();
  switchboard.receive(a, { type: "claim", route: route(id, a, "1.1") });
  a.news();
  const wish = { kind: "probe", request: 1, ms: 10 } as const;
  switchboard.receive(b, { type: "wish", id, claim: "1.1", wish });
  expect(a.news()).toEqual([{ type: "wish", from: 1, claim: "1.1", wish }]);
  switchboard.receive(a, { type: "claim", route: route(id, a, "1.2") });
  a.news();
  switchboard.receive(b, { type: "wish", id, claim: "1.1", wish });
  expect(a.news()).toEqual([]);
});

test("a worker that starts is told which others are ready and which streams they have open", () => {
  const { switchboard, a, b } = two();
  switchboard.ready(a);
  switchboard.receive(a, { type: "claim", route: route(id, a, "1.1") });
  switchboard.receive(a, { type: "streams", id, claim: "1.1", count: 2 });
  switchboard.remove(b);
  const next = new TestWorker(1);
  switchboard.add(next);
  expect(next.news()).toEqual([
    { type: "worker-ready", slot: 0 },
    { type: "streams", id, claim: "1.1", slot: 0, count: 2 },
  ]);
});

test("the keys that a worker lends are known to the others, also to those that start later, until they are taken back", () => {
  const { switchboard, a, b } = two();
  const loan = { loan: 1, id, key: { publicKey: "ssh-ed25519 AAAA", account: "ada" }, until: null };
  switchboard.receive(a, { type: "lend", ...loan });
  switchboard.receive(a, { type: "lend", ...loan, loan: 2 });
  expect(a.news()).toEqual([]);
  expect(b.news()).toEqual([
    { type: "lent", slot: 0, ...loan },
    { type: "lent", slot: 0, ...loan, loan: 2 },
  ]);
  switchboard.receive(a, { type: "take-back", loan: 2 });
  expect(b.news()).toEqual([{ type: "taken-back", slot: 0, loan: 2 }]);
  switchboard.remove(b);
  const next = new TestWorker(1);
  switchboard.add(next);
  expect(next.news()).toEqual([{ type: "lent", slot: 0, ...loan }]);
  switchboard.remove(a);
  next.news();
  const last = new TestWorker(0);
  switchboard.add(last);
  expect(last.news()).toEqual([]);
});

test("a malformed message and a message of an unknown kind are refused", () => {
  for (const message of [
    null,
    "stop",
    { type: "constructor" },
    { type: "release", id: "ws_short", claim: "1.1", how: "cut" },
    { type: "release", id, claim: "1.1", how: "cut", more: 1 },
    { type: "release", id, claim: "1.1", how: "somehow" },
    { type: "streams", id, claim: "1.1", count: -1 },
  ]) {
    expect(() => parseFromWorker(message)).toThrow(TypeError);
  }
  const good = { type: "release", id, claim: "1.1", how: "left" };
  expect(parseFromWorker(good)).toEqual(good);
});
