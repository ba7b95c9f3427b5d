import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { finish, type Host, isAlive, settled, startHost, until } from "./harness.ts";

let host: Host;
const survivors: number[] = [];
beforeAll(async () => {
  host = await startHost({ limits: { hangUpGrace: 300 } });
});
afterAll(async () => {
  for (const pid of survivors) if (isAlive(pid)) process.kill(pid, "SIGKILL");
  await host.stop();
});

/** Starts ssh with a command that prints numbers first: those of its processes. */
async function start(args: readonly string[]) {
  const child = host.start(args);
  let output = "";
  child.stdout?.on("data", (data: Buffer) => {
    output += data.toString();
  });
  const line = await until(() => /^([\d ]+)\r?\n/m.exec(output)?.[1]);
  return { child, pids: line.trim().split(/ +/).map(Number) };
}
/** Of the program that runs (proc(5)). */
const nameOf = (pid: number) => readFileSync(`/proc/${pid}/comm`, "utf8").trim();
const allGone = (pids: readonly number[]) => until(() => pids.every((pid) => !isAlive(pid)));

describe("the processes of a session", () => {
  it("are hung up when the client dies", async () => {
    const { child, pids } = await start(["ws", "sleep 300 & echo $$ $!; wait"]);
    expect(pids.every(isAlive)).toBe(true);
    child.kill("SIGKILL");
    await allGone(pids);
  });

  it("are hung up when the connection is lost", async () => {
    const { pids } = await start(["ws", "sleep 300 & echo $$ $!; wait"]);
    host.sockets.at(-1)?.destroy();
    await allGone(pids);
  });

  it("of one client among several on a connection end at their next output, as with sshd", async () => {
    const socket = join(host.directory, "m");
    const master = host.start(["-M", "-S", socket, "-N", "ws"]);
    await until(async () => (await host.ssh(["-S", socket, "-O", "check", "ws"])).code === 0);
    const { child, pids } = await start(["-S", socket, "ws", "echo $$; while sleep 0.1; do echo; done"]);
    child.kill("SIGKILL");
    await allGone(pids);
    expect((await host.ssh(["-S", socket, "ws", "echo up"])).stdout.toString()).toBe("up\n");
    master.kill();
  });

  it("are killed after a grace if they only catch the hang-up", async () => {
    const { child, pids } = await start([
      "ws",
      "trap : HUP; echo $$; exec >/dev/null 2>&1; while :; do sleep 0.05; done",
    ]);
    child.kill("SIGKILL");
    await allGone(pids);
  });

  it("survive under nohup and setsid, as with sshd", async () => {
    const { child, pids } = await start([
      "ws",
      "nohup sleep 301 >/dev/null 2>&1 & n=$!; setsid sleep 302 >/dev/null 2>&1 </dev/null & echo $$ $n $!; wait",
    ]);
    const [shell = 0, nohup = 0, setsid = 0] = pids;
    survivors.push(nohup, setsid);
    // Until then each is still the shell, about to leave.
    await until(() => [nohup, setsid].every((pid) => nameOf(pid) === "sleep"));
    child.kill("SIGKILL");
    await allGone([shell]);
    // Past the grace, the kill would have come.
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect([isAlive(nohup), isAlive(setsid)]).toEqual([true, true]);
  });

  it("get SIGPIPE when the client's reader goes", async () => {
    const child = host.start(["ws", "echo $$; exec yes"]);
    const [data] = await once(child.stdout ?? child, "data");
    const pid = Number(/\d+/.exec(String(data))?.[0]);
    child.stdout?.destroy();
    await allGone([pid]);
    await until(() => child.exitCode !== null || child.signalCode !== null);
  });

  it("wait for a stopped client and leave the host's memory flat", async () => {
    const child = host.start(["ws", "echo $$; exec yes"]);
    const [data] = await once(child.stdout ?? child, "data");
    const pid = Number(/\d+/.exec(String(data))?.[0]);
    child.kill("SIGSTOP");
    const time = async () =>
      (await host.ssh(["ws", `cut -d' ' -f14,15 /proc/${pid}/stat`])).stdout.toString();
    await settled(time);
    const before = process.memoryUsage().rss;
    const used = await time();
    await new Promise((resolve) => setTimeout(resolve, 1000));
    expect(await time()).toBe(used);
    // What is read of it without an end comes to more within that second, even where the machine is slow.
    expect(process.memoryUsage().rss - before).toBeLessThan(64 * 1024 * 1024);
    child.kill("SIGKILL");
    await allGone([pid]);
  });

  it("wait for a slow program and leave the host's memory flat", async () => {
    const before = process.memoryUsage().rss;
    const child = host.start(["ws", "echo $$; exec sleep 300"]);
    const [data] = await once(child.stdout ?? child, "data");
    const pid = Number(/\d+/.exec(String(data))?.[0]);
    let sent = 0;
    const block = Buffer.alloc(1024 * 1024);
    const full = until(() => {
      while (child.stdin?.writableNeedDrain === false && sent < 300) {
        child.stdin.write(block);
        sent++;
      }
      return sent >= 300 || undefined;
    }, 1000);
    await expect(full).rejects.toThrow("Not within");
    // A window, the pipes, and what ssh itself buffers.
    expect(sent).toBeLessThan(16);
    expect(process.memoryUsage().rss - before).toBeLessThan(60 * 1024 * 1024);
    child.kill("SIGKILL");
    await allGone([pid]);
  });
});

describe("closing the server", () => {
  it("ends connections, sessions and their processes", async () => {
    const other = await startHost({ limits: { hangUpGrace: 300 } });
    const child = other.start(["ws", "echo $$; exec sleep 300"]);
    const [data] = await once(child.stdout ?? child, "data");
    const pid = Number(String(data));
    const done = finish(child);
    expect(other.server.connections).toBe(1);
    await other.stop();
    expect(other.server.connections).toBe(0);
    await allGone([pid]);
    await done;
  });
});
