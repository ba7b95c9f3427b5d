import { once } from "node:events";
import { setTimeout as pass } from "node:timers/promises";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { Heartbeat } from "../../../../gateway/splice/keep-alive.ts";
import { webSocketPairs } from "../link/web-socket-pair.ts";

const INTERVAL_MS = 100;

vi.mock("../../../../protocol/limits.ts", async (original) => ({
  ...(await original<typeof import("../../../../protocol/limits.ts")>()),
  PING_INTERVAL_MS: 100,
  DEAD_AFTER_MS: 225,
}));

let pairs: Awaited<ReturnType<typeof webSocketPairs>>;
beforeAll(async () => {
  pairs = await webSocketPairs();
});
afterAll(() => pairs.close());

test("a peer that answers is pinged until the heartbeat stops", async () => {
  const { client, server } = await pairs.make();
  const heartbeat = new Heartbeat(server);
  let pings = 0;
  client.on("ping", () => pings++);
  await expect.poll(() => pings).toBeGreaterThan(6);
  expect(server.readyState).toBe(server.OPEN);
  heartbeat.stop();
  // Behind the last ping.
  server.send("x");
  await once(client, "message");
  const before = pings;
  await pass(3 * INTERVAL_MS);
  expect(pings).toBe(before);
});

test("a silent peer is terminated after two pings; a peer that sends anything, not only pongs, is not", async () => {
  const [silent, talking] = [await pairs.make(), await pairs.make()];
  const heartbeats = [silent, talking].map(({ server }) => new Heartbeat(server));
  let pings = 0;
  silent.client.on("ping", () => pings++);
  for (const { client } of [silent, talking]) client.pong = () => undefined;
  talking.server.on("message", () => heartbeats[1]?.heard());
  const talk = setInterval(() => talking.client.send("x"), INTERVAL_MS / 4);
  await once(silent.server, "close");
  expect(pings).toBe(2);
  await pass(3 * INTERVAL_MS);
  clearInterval(talk);
  expect(talking.server.readyState).toBe(talking.server.OPEN);
  for (const heartbeat of heartbeats) heartbeat.stop();
});

test("a paused WebSocket is not terminated, since it cannot be heard", async () => {
  const { server } = await pairs.make();
  const heartbeat = new Heartbeat(server);
  server.pause();
  await pass(5 * INTERVAL_MS);
  expect(server.readyState).toBe(server.OPEN);
  heartbeat.stop();
  server.resume();
});
