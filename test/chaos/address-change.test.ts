// A machine whose address changes while it is connected, as by another Wi-Fi: in a network namespace of its own, on a cable
// to the one that gateway and host live in. The old address takes its connections along without a word.

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { afterEach, expect, test, vi } from "vitest";
import { count, upTo } from "./counting.ts";
import { World } from "./world.ts";

const HOME = "10.99.0.1";

let world: World | undefined;
let away: ChildProcess | undefined;
afterEach(async () => {
  await world?.stop();
  away?.kill("SIGKILL");
});

const sh = (...words: [string, ...string[]]) => execFileSync(words[0], words.slice(1), { stdio: "pipe" });

test("an address that changes does not end the connection, and is noticed within seconds", async ({
  skip,
}) => {
  if (process.env.SALLYPORT_CHAOS_CERT === undefined) return skip("no network namespace could be made");
  // Holds the other namespace; says when it is in there.
  away = spawn("unshare", ["--net", "sh", "-c", "echo in; exec sleep 600"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  if (away.stdout === null || away.pid === undefined) throw new Error("no namespace");
  await once(away.stdout, "data");
  const pid = String(away.pid);
  const there = ["nsenter", "--target", pid, "--net"] as const;
  sh("ip", "link", "add", "home0", "type", "veth", "peer", "name", "away0", "netns", pid);
  sh("ip", "address", "add", `${HOME}/24`, "dev", "home0");
  sh("ip", "link", "set", "home0", "up");
  for (const words of ["link set lo up", "address add 10.99.0.2/24 dev away0", "link set away0 up"]) {
    sh(...there, "ip", ...words.split(" "));
  }
  world = await World.start({ address: HOME });
  const counting = count(world, "dev", 200, there);
  await vi.waitFor(() => expect(counting.numbers.length).toBeGreaterThan(5), { timeout: 20_000 });
  sh(...there, "ip", "address", "add", "10.99.0.3/24", "dev", "away0");
  sh(...there, "ip", "address", "del", "10.99.0.2/24", "dev", "away0");
  // The second address of a network goes with the first.
  sh(...there, "sh", "-c", "ip address add 10.99.0.3/24 dev away0 2>/dev/null || true");
  const [changed, before] = [performance.now(), counting.numbers.length];
  await vi.waitFor(() => expect(counting.numbers.length).toBeGreaterThan(before + 5), { timeout: 30_000 });
  const seconds = (counting.lastAt() - changed) / 1000;
  console.log(JSON.stringify({ goneOnAfterSeconds: Number(seconds.toFixed(2)) }));
  expect(seconds).toBeLessThan(8);
  expect({ code: await counting.ended, stderr: counting.stderr() }).toEqual({ code: 0, stderr: "" });
  expect(counting.numbers).toEqual(upTo(200));
});
