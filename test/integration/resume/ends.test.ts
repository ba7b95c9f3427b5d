// What outlives what, and how ssh learns of an end that is one: with real processes and a real ssh.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { count, upTo } from "../../chaos/counting.ts";
import { companions, World } from "../../chaos/world.ts";
import { LONG, longIf } from "../../support/long.ts";

let world: World;
beforeEach(async () => {
  world = await World.start();
});
afterEach(() => world.stop());

const patient = { timeout: 20_000, interval: 50 };
const running = (counting: ReturnType<typeof count>) =>
  vi.waitFor(() => expect(counting.numbers.length).toBeGreaterThan(2), patient);

test("a workspace that was restarted is told apart from a blip, and ssh ends at once", async () => {
  const counting = count(world, "dev", 600);
  await running(counting);
  await world.restartHost();
  expect(await counting.ended).toBe(255);
  expect(counting.stderr()).toContain(
    "sallyport: tunnel: the workspace was restarted, and its sessions with it",
  );
});

test("a host that stops in good order ends its sessions at once, with a line that says so", async () => {
  const counting = count(world, "dev", 600);
  await running(counting);
  await world.stopHost();
  expect(await counting.ended).toBe(255);
  expect(counting.stderr()).toMatch(/The host is stopping\.|host was stopped/);
});

for (const alias of ["dev-jump", "dev-direct"]) {
  test(
    `a blip of the workspace's network does not end a direct connection (${alias})`,
    longIf(alias === "dev-direct"),
    async () => {
      const counting = count(world, alias, 60);
      await running(counting);
      for (let i = 0; i < 5; i++) {
        world.far.reset();
        // Nothing tells that a direct connection has noticed no blip, so this only spaces the blips out.
        await delay(500);
      }
      expect({ code: await counting.ended, stderr: counting.stderr() }).toEqual({ code: 0, stderr: "" });
      expect(counting.numbers).toEqual(upTo(60));
    },
  );
}

test("a companion that was suspended, as during sleep, continues soon after waking", LONG, async () => {
  const counting = count(world, "dev", 110);
  await running(counting);
  const [pid] = await companions(world);
  if (pid === undefined) throw new Error("there is no companion");
  process.kill(pid, "SIGSTOP");
  world.near.swallow();
  // Nothing happens while it sleeps. It takes a jump of its clock by more than 5 s (JUMP_MS) for a sleep.
  await delay(7_000);
  const before = counting.numbers.length;
  const woken = performance.now();
  process.kill(pid, "SIGCONT");
  await vi.waitFor(() => expect(counting.numbers.length).toBeGreaterThan(before), patient);
  // About a second. One that did not notice its sleep would wait for 45 s of silence.
  expect(counting.lastAt() - woken).toBeLessThan(10_000);
  expect(await counting.ended).toBe(0);
  expect(counting.numbers).toEqual(upTo(110));
});

test("the status file says connected, then reconnecting, then connected again", async () => {
  const ssh = world.own(spawn("ssh", ["-F", world.stack.sshConfig, "dev", "cat"], { stdio: "pipe" }));
  const ended = once(ssh, "close");
  let heard = "";
  ssh.stdout?.on("data", (data) => {
    heard += data;
  });
  ssh.stdin?.write("before ");
  await vi.waitFor(() => expect(heard).toBe("before "), patient);
  const status = (): Record<string, unknown> => {
    const directory = join(world.cache, "status");
    const [name] = readdirSync(directory).filter((entry) => entry.endsWith(".json"));
    return JSON.parse(readFileSync(join(directory, name ?? ""), "utf8"));
  };
  await vi.waitFor(() => expect(status()).toMatchObject({ state: "connected" }), patient);
  world.near.refusing = true;
  world.near.reset();
  await vi.waitFor(() => expect(status()).toMatchObject({ state: "reconnecting" }), patient);
  world.near.refusing = false;
  await vi.waitFor(
    () => expect(status()).toMatchObject({ state: "connected", roundTripMs: expect.any(Number) }),
    patient,
  );
  ssh.stdin?.end("after");
  expect((await ended)[0]).toBe(0);
  expect(heard).toBe("before after");
});
