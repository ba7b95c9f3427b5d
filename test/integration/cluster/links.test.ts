// Two workers behind one address: host and companion are joined, at any worker that takes a host, a companion
// or a dial-back.

import { once } from "node:events";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { WebSocket } from "ws";
import { echo } from "../../support/link.ts";
import { isRunning, Workers } from "./harness.ts";

/** More than enough: connections go to the workers in turn. */
const TRIES = 12;

let workers: Workers;
beforeAll(async () => {
  workers = await Workers.start("--metrics", "127.0.0.1:0", "--open");
});
afterEach(async () => {
  // A worker that was killed has no last word.
  if (!hasKilled) await workers.endTunnels();
});
afterAll(() => workers?.close());
let hasKilled = false;

/** Tunnels to a workspace, one on each worker. */
async function oneOnEach(name: string, id: string, token?: string): Promise<[WebSocket, WebSocket]> {
  const found: WebSocket[] = [];
  for (let i = 0; i < TRIES && (found[0] === undefined || found[1] === undefined); i++) {
    const before = openings(id).length;
    const tunnel = await workers.tunnel(name, token);
    await expect.poll(() => openings(id).length).toBe(before + 1);
    const worker = openings(id).at(-1)?.worker as number;
    if (found[worker] === undefined) found[worker] = tunnel;
    else await workers.skipTurn();
  }
  const [first, second] = found;
  if (first === undefined || second === undefined) throw new Error("all tunnels came to one worker");
  return [first, second];
}
const openings = (id: string) =>
  workers.log().filter((line) => line.audit === "tunnel.opened" && line.workspace === id);

describe("a workspace", () => {
  test("is reached through the worker that has its link and through the other one", async () => {
    const { id } = await workers.host("both");
    const tunnels = await oneOnEach("both", id);
    for (const tunnel of tunnels) expect(await echo(tunnel, "there and back")).toBe("there and back");
  });

  test("carries many tunnels at once, spread over the workers, wherever their dial-backs land", async () => {
    const { id } = await workers.host("many");
    const tunnels = await Promise.all(Array.from({ length: 24 }, () => workers.tunnel("many")));
    const answers = await Promise.all(tunnels.map((tunnel, i) => echo(tunnel, `tunnel ${i}`)));
    expect(answers).toEqual(tunnels.map((_, i) => `tunnel ${i}`));
    await expect.poll(() => openings(id).length).toBe(24);
    for (const worker of [0, 1]) {
      expect(openings(id).filter((line) => line.worker === worker).length).toBeGreaterThanOrEqual(6);
    }
  });

  test("opens its tunnels on both workers too where they come one after the other", async () => {
    const { id } = await workers.host("series");
    for (let i = 0; i < 10; i++) await workers.tunnel("series");
    await expect.poll(() => openings(id).length).toBe(10);
    for (const worker of [0, 1]) {
      expect(openings(id).filter((line) => line.worker === worker).length).toBeGreaterThanOrEqual(3);
    }
  });

  test("that sends first loses no byte", async () => {
    await workers.host("greeting", { greeting: "hello" });
    for (let i = 0; i < 8; i++) {
      const tunnels = await Promise.all(Array.from({ length: 16 }, () => workers.tunnel("greeting")));
      const answers = tunnels.map(async (tunnel) => {
        const message = once(tunnel, "message", { signal: AbortSignal.timeout(20_000) });
        tunnel.resume();
        return String((await message)[0]);
      });
      expect(await Promise.all(answers)).toEqual(tunnels.map(() => "hello"));
    }
  });

  test("counts its clients on all workers, in the list and in the events of each", async () => {
    const { id } = await workers.host("counted");
    const [first, second] = await oneOnEach("counted", id);
    const clients = async (): Promise<number> => {
      const workspace: unknown = await (await workers.call("GET", "workspaces/counted")).json();
      return Number(Object(workspace).clients);
    };
    const open = openings(id).length;
    // The workers answer in turn.
    for (let i = 0; i < 4; i++) await expect.poll(clients).toBe(open);
    first.terminate();
    second.terminate();
    for (let i = 0; i < 4; i++) await expect.poll(clients).toBe(open - 2);
  });

  test("that registers again on the other worker fences the first host", async () => {
    const state = `${workers.directory}/twice`;
    let former = await workers.host("twice", { state });
    for (let i = 0; i < TRIES; i++) {
      await expect.poll(() => workers.workerOf("link.registered", former.id)).toBeDefined();
      const before = workers.workerOf("link.registered", former.id);
      const count = workers.log().filter((line) => line.audit === "link.registered").length;
      const next = await workers.host("twice", { state });
      expect(await former.ended).toMatchObject({ code: "fenced" });
      await expect
        .poll(() => workers.log().filter((line) => line.audit === "link.registered").length)
        .toBe(count + 1);
      former = next;
      if (workers.workerOf("link.registered", next.id) !== before) {
        expect(await echo(await workers.tunnel("twice"), "the newer one")).toBe("the newer one");
        return;
      }
      await workers.skipTurn();
    }
    throw new Error("all registrations came to one worker");
  });

  test("that is online keeps its name when a different machine asks for it, at either worker", async () => {
    await workers.host("mine");
    for (let i = 0; i < 4; i++) {
      await expect(workers.host("mine")).rejects.toMatchObject({ code: "name_taken" });
      if (i === 1) await workers.skipTurn();
    }
  });

  test("without an account is reached by its id, which no worker writes into the log", async () => {
    const { id } = await workers.host("open", { token: null });
    for (let i = 0; i < 4; i++) {
      expect(await echo(await workers.tunnel(id, undefined), "by id")).toBe("by id");
      if (i === 1) await workers.skipTurn();
    }
    const text = JSON.stringify(workers.log());
    expect(text).toContain('"workspace":"open-');
    expect(text).not.toContain(id);
  });
});

describe("revoking a token", () => {
  test("ends tunnels on both workers, and a link", async () => {
    const create = async (): Promise<{ token: string; info: { id: string } }> => {
      const body = { title: "test", scopes: ["connect", "host"] };
      return Object((await (await workers.call("POST", "tokens", body)).json()) as unknown);
    };
    const [ours, hosts] = [await create(), await create()];
    const host = await workers.host("revoked", { token: hosts.token });
    const tunnels = await oneOnEach("revoked", host.id, ours.token);
    const closed = tunnels.map((tunnel) => {
      tunnel.resume();
      return once(tunnel, "close").then(([code]) => code as unknown);
    });
    expect((await workers.call("DELETE", `tokens/${ours.info.id}`)).status).toBe(204);
    expect(await Promise.all(closed)).toEqual([4002, 4002]);
    await workers.call("DELETE", `tokens/${hosts.info.id}`);
    const isOnline = async (): Promise<unknown> =>
      Object(await (await workers.call("GET", "workspaces/revoked")).json()).online;
    for (let i = 0; i < 2; i++) await expect.poll(isOnline).toBe(false);
    await host.stop();
  });
});

describe("metrics", () => {
  test("are those of all workers together", async () => {
    const { id } = await workers.host("metered");
    await oneOnEach("metered", id);
    const metrics = async (): Promise<string> => (await fetch(metricsUrl())).text();
    const open = workers.count("tunnel.opened") - workers.count("tunnel.closed");
    await expect.poll(metrics).toMatch(new RegExp(`^sallyport_streams ${open}$`, "m"));
    const hosts = workers.count("link.registered") - workers.count("link.closed");
    expect(await metrics()).toMatch(new RegExp(`^sallyport_sessions ${hosts}$`, "m"));
  });
});

function metricsUrl(): string {
  return String(Object(workers.gateway.program.ready).metrics);
}

describe("a worker that is killed", () => {
  test("does not disturb the other one's streams; its hosts come back, and it is restarted", async () => {
    const host = await workers.host("killed");
    await expect.poll(() => workers.workerOf("link.registered", host.id)).toBeDefined();
    const victim = workers.workerOf("link.registered", host.id) as 0 | 1;
    const tunnels = await oneOnEach("killed", host.id);
    const spared = tunnels[1 - victim] as WebSocket;
    const lost = once(tunnels[victim], "close");
    const pid = workers.pids()[victim];
    process.kill(pid, "SIGKILL");
    hasKilled = true;
    tunnels[victim].resume();
    await lost;
    expect(await echo(spared, "still here")).toBe("still here");
    await expect.poll(() => host.registrations(), { timeout: 60_000 }).toBe(2);
    const opened = openings(host.id).length;
    expect(await echo(await workers.tunnel("killed"), "again")).toBe("again");
    await expect.poll(() => openings(host.id).length).toBe(opened + 1);
    await expect.poll(() => workers.pids()[victim], { timeout: 60_000 }).not.toBe(pid);
    expect(await echo(spared, "after all of it")).toBe("after all of it");
    const again = await oneOnEach("killed", host.id);
    for (const tunnel of again) expect(await echo(tunnel, "on both")).toBe("on both");
  });
});

describe("SIGTERM", () => {
  test("tells every host and client, and leaves no process after 10 s", async () => {
    const { id } = await workers.host("last");
    const tunnels = await oneOnEach("last", id);
    const closed = tunnels.map((tunnel) => {
      tunnel.resume();
      return once(tunnel, "close").then(([code]) => code as unknown);
    });
    const pids = [workers.gateway.program.pid, ...workers.pids()];
    expect(pids.every(isRunning)).toBe(true);
    const began = performance.now();
    process.kill(workers.gateway.program.pid, "SIGTERM");
    expect(await Promise.all(closed)).toEqual([1001, 1001]);
    await workers.gateway.program.exited;
    expect(performance.now() - began).toBeLessThan(10_000);
    expect(pids.filter(isRunning)).toEqual([]);
  });
});
