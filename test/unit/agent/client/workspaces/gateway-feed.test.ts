import { expect, onTestFinished, test } from "vitest";
import { type FeedSource, GatewayFeed } from "../../../../../agent/client/workspaces/gateway-feed.ts";
import { CommandError } from "../../../../../agent/platform/command-error.ts";
import type { WorkspaceEvent } from "../../../../../protocol/api.ts";
import { workspace } from "./workspaces.ts";

/** One connection: what it says, and how it ends. */
type Connection =
  | { readonly events: readonly WorkspaceEvent[]; readonly end: "stays" | "ends" | Error }
  | Error;

/** A gateway that behaves as written, connection by connection; the last one is repeated. */
function gateway(connections: readonly Connection[]) {
  const waits: number[] = [];
  let dialled = 0;
  let changed: () => void = () => {};
  let current: Connection | undefined;
  const source: FeedSource = {
    events: () => {
      current = connections[Math.min(dialled++, connections.length - 1)];
      if (current instanceof Error) return Promise.reject(current);
      return Promise.resolve((async function* () {})());
    },
    workspaces: () => Promise.resolve([workspace("polled")]),
    read: async function* (_body, signal) {
      if (current === undefined || current instanceof Error) return;
      yield* current.events;
      if (current.end instanceof Error) throw current.end;
      if (current.end === "stays") await new Promise((resolve) => signal.addEventListener("abort", resolve));
    },
  };
  const feed = new GatewayFeed(source, () => changed(), {
    random: () => 0,
    sleep: (ms, signal) => {
      waits.push(ms);
      changed();
      // Time passes at once, but not for ever.
      return waits.length < 6
        ? Promise.resolve()
        : new Promise((resolve) => signal.addEventListener("abort", () => resolve()));
    },
  });
  onTestFinished(() => feed.dispose());
  const until = (condition: () => boolean) =>
    new Promise<void>((resolve) => {
      changed = () => {
        if (condition()) resolve();
      };
      changed();
    });
  return { feed, waits, until, dialled: () => dialled };
}

const snapshot = (...names: string[]): WorkspaceEvent => ({
  type: "snapshot",
  workspaces: names.map((name) => workspace(name)),
});
const names = (feed: GatewayFeed) => [...feed.workspaces.values()].map(({ name }) => name);

test("a feed loads, then follows what changes", async () => {
  const gone = workspace("gone");
  const { feed, until } = gateway([
    {
      events: [
        { type: "snapshot", workspaces: [workspace("dev"), gone] },
        { type: "workspace", workspace: workspace("new", { online: false }) },
        { type: "workspace-removed", id: gone.id },
      ],
      end: "stays",
    },
  ]);
  expect(feed.state.kind).toBe("loading");
  feed.start();
  await until(() => names(feed).join() === "dev,new");
  expect(feed.state.kind).toBe("online");
});

test("one interruption is not reported, and the list stays", async () => {
  const { feed, until, dialled } = gateway([
    { events: [snapshot("dev")], end: new CommandError("http", "stream_cut", "cut") },
    { events: [snapshot("dev", "two")], end: "stays" },
  ]);
  const states: string[] = [];
  feed.start();
  await until(() => {
    states.push(feed.state.kind);
    return names(feed).length === 2;
  });
  expect(states).not.toContain("offline");
  expect(dialled()).toBe(2);
});

test("a gateway out of reach is offline, keeps its last list, and is tried less and less often", async () => {
  const { feed, until, waits } = gateway([
    { events: [snapshot("dev")], end: "ends" },
    new CommandError("tcp", "ECONNREFUSED", "refused"),
  ]);
  feed.start();
  await until(() => waits.length >= 6);
  expect(feed.state).toMatchObject({ kind: "offline", message: "refused" });
  expect(names(feed)).toEqual(["dev"]);
  expect(waits).toEqual(waits.toSorted((a, b) => a - b));
  expect(waits[5]).toBeGreaterThan(waits[0] ?? 0);
});

test.each(["token_expired", "token_revoked", "token_unknown"])(
  "after %s the feed is signed out and stops asking",
  async (code) => {
    const { feed, until, dialled } = gateway([
      { events: [snapshot("dev")], end: "ends" },
      new CommandError("sign-in", code, "no"),
    ]);
    feed.start();
    await until(() => feed.state.kind === "signed-out");
    expect(feed.state).toMatchObject({ code });
    expect(dialled()).toBe(2);
  },
);

test("an answer that is not a gateway's is an error, until a good one comes", async () => {
  const { feed, until } = gateway([
    new CommandError("http", "not_a_gateway", "what is this"),
    { events: [snapshot("dev")], end: "stays" },
  ]);
  const states: string[] = [];
  feed.start();
  await until(() => {
    states.push(feed.state.kind);
    return feed.state.kind === "online";
  });
  expect(states).toContain("error");
});

test("an account with too many streams open gets its list by asking for it", async () => {
  const { feed, until } = gateway([new CommandError("http", "rate_limited", "too many")]);
  feed.start();
  await until(() => feed.state.kind === "online");
  expect(names(feed)).toEqual(["polled"]);
});

test("trying again does not wait for its turn", async () => {
  const refused = new CommandError("tcp", "ECONNREFUSED", "refused");
  const { feed, until, waits } = gateway([
    ...Array(6).fill(refused),
    { events: [snapshot("dev")], end: "stays" },
  ]);
  feed.start();
  await until(() => waits.length >= 6);
  feed.retry();
  await until(() => feed.state.kind === "online");
});

test("the last offers count, and a new snapshot begins without any", async () => {
  const offer = { id: "ws_x", name: "box", owner: "bob", pending: true, createdAt: "2026-01-01T00:00:00Z" };
  const { feed, until } = gateway([
    { events: [snapshot(), { type: "offers", offers: [offer] }], end: "ends" },
    { events: [snapshot("dev")], end: "stays" },
  ]);
  feed.start();
  await until(() => feed.offers.size === 1);
  expect(feed.workspaces.size).toBe(0);
  await until(() => feed.workspaces.size === 1);
  expect(feed.offers.size).toBe(0);
});
