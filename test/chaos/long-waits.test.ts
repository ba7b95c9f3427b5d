// What takes its time in the world takes its time here: a laptop that sleeps for two minutes, a load balancer that cuts what
// is idle for one.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { count, upTo } from "./counting.ts";
import { companions, World } from "./world.ts";

const SLEEP_MS = 120_000;
const IDLE_MS = 60_000;

let world: World;
beforeEach(async () => {
  world = await World.start();
});
afterEach(() => world.stop());

test("a companion that slept for two minutes continues within 3 s of waking", async () => {
  const counting = count(world, "dev", 1400);
  await vi.waitFor(() => expect(counting.numbers.length).toBeGreaterThan(2), { timeout: 20_000 });
  const [pid] = await companions(world);
  if (pid === undefined) throw new Error("there is no companion");
  process.kill(pid, "SIGSTOP");
  await delay(SLEEP_MS);
  const before = counting.numbers.length;
  const woken = performance.now();
  process.kill(pid, "SIGCONT");
  await vi.waitFor(() => expect(counting.numbers.length).toBeGreaterThan(before), { timeout: 20_000 });
  const seconds = (counting.lastAt() - woken) / 1000;
  console.log(JSON.stringify({ resumedAfterSeconds: Number(seconds.toFixed(2)) }));
  expect(seconds).toBeLessThan(3);
  expect(await counting.ended).toBe(0);
  expect(counting.numbers).toEqual(upTo(1400));
});

test("a load balancer that cuts what is idle for a minute cuts nothing", async () => {
  world.near.cutIdle(IDLE_MS);
  world.far.cutIdle(IDLE_MS);
  const made = world.near.made;
  const ssh = world.own(
    spawn("ssh", ["-F", world.stack.sshConfig, "-o", "ServerAliveInterval=0", "dev", "cat"], {
      stdio: "pipe",
    }),
  );
  const ended = once(ssh, "close");
  let heard = "";
  ssh.stdout?.on("data", (data) => {
    heard += data;
  });
  ssh.stdin?.write("before ");
  await vi.waitFor(() => expect(heard).toBe("before "), { timeout: 20_000 });
  await delay(2.5 * IDLE_MS);
  ssh.stdin?.end("after");
  expect((await ended)[0]).toBe(0);
  expect(heard).toBe("before after");
  expect(world.near.made - made).toBe(1);
});
