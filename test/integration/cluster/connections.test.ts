// With two workers, who is connected is the answer of both, and either ends what the other has.

import { once } from "node:events";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Connections } from "../../../protocol/admin-api.ts";
import { Workers } from "./harness.ts";

let workers: Workers;
beforeAll(async () => {
  workers = await Workers.start();
});
afterAll(() => workers?.close());

test("Connections of both workers are listed, and any of them can be ended, asked of either", async () => {
  const host = await workers.host("busy");
  const tunnels = [];
  for (let i = 0; i < 4; i++) {
    tunnels.push(await workers.tunnel("busy"));
    await workers.skipTurn();
  }
  await expect.poll(() => workers.count("tunnel.opened")).toBe(4);
  const openers = workers.log().filter((line) => line.audit === "tunnel.opened");
  const by = new Set(openers.map(({ worker }) => worker));
  const list = async (): Promise<Connections> => {
    await workers.skipTurn();
    return (await (await workers.call("GET", `workspaces/${host.id}/connections`)).json()) as Connections;
  };
  // Asked of one worker and of the other.
  const [one, other] = [await list(), await list()];
  expect(one.connections).toHaveLength(4);
  expect(other).toEqual(one);
  // Otherwise the test would not cover both.
  expect(by).toEqual(new Set([0, 1]));
  const closed = Promise.all(
    tunnels.map(async (tunnel) => {
      const end = once(tunnel, "close", { signal: AbortSignal.timeout(20_000) });
      tunnel.resume();
      return (await end)[0] as unknown;
    }),
  );
  for (const { id } of one.connections) {
    await workers.skipTurn();
    const path = `workspaces/${host.id}/connections/${id}`;
    expect((await workers.call("DELETE", path)).status).toBe(204);
    expect((await workers.call("DELETE", path)).status).toBe(404);
  }
  expect(await closed).toEqual([4002, 4002, 4002, 4002]);
  expect((await list()).connections).toEqual([]);
});

test("A workspace that is frozen by one worker is frozen in the other", async () => {
  const host = await workers.host("cold");
  const tunnels = [];
  for (let i = 0; i < 4; i++) {
    tunnels.push(await workers.tunnel("cold"));
    await workers.skipTurn();
  }
  const closed = Promise.all(
    tunnels.map(async (tunnel) => {
      const end = once(tunnel, "close", { signal: AbortSignal.timeout(20_000) });
      tunnel.resume();
      return (await end)[0] as unknown;
    }),
  );
  expect((await workers.call("POST", `workspaces/${host.id}/freeze`)).status).toBe(204);
  expect(await closed).toEqual([4002, 4002, 4002, 4002]);
  for (let i = 0; i < 2; i++) {
    await workers.skipTurn();
    await expect(workers.tunnel("cold")).rejects.toMatchObject({ code: "frozen" });
  }
});
