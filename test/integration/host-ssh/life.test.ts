import { once } from "node:events";
import { existsSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Host, isAlive, startHost } from "../../support/ssh/host-ssh.ts";
import { finish } from "../../support/ssh/ssh-client.ts";
import { settled, until } from "../../support/until.ts";

let host: Host;
const survivors: number[] = [];
beforeAll(async () => {
  host = await startHost();
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
const allGone = (pids: readonly number[]) => until(() => pids.every((pid) => !isAlive(pid)));

describe("the processes of a session", () => {
  test("on a terminal are hung up when the client dies", async () => {
    const { child, pids } = await start(["-tt", "ws", "sleep 300 & echo $$ $!; wait"]);
    expect(pids.every(isAlive)).toBe(true);
    child.kill("SIGKILL");
    await allGone(pids);
  });

  test("on a terminal are hung up when the connection is lost", async () => {
    const { pids } = await start(["-tt", "ws", "sleep 300 & echo $$ $!; wait"]);
    host.sockets.at(-1)?.destroy();
    await allGone(pids);
  });

  test("without a terminal get the end of input, and no signal, when the connection is lost", async () => {
    const { pids } = await start(["ws", "sleep 300 & echo $$ $!; cat >/dev/null"]);
    const [shell = 0, sleep = 0] = pids;
    survivors.push(sleep);
    host.sockets.at(-1)?.destroy();
    await allGone([shell]);
    expect(isAlive(sleep)).toBe(true);
  });

  test("read all that the client sent, even after it has left", async () => {
    const file = join(host.directory, "late");
    const { child } = await start([
      "ws",
      `echo $$; while [ ! -e "${file}.go" ]; do sleep 0.05; done; cat >"${file}"`,
    ]);
    const sent = Buffer.alloc(300_000, "x");
    child.stdin?.end(sent);
    // Once ssh has seen the end of its own input and sent it on, it has sent all that came before.
    await until(() => child.stdin?.writableFinished);
    await settled(() => host.sockets.at(-1)?.bytesRead);
    child.kill("SIGKILL");
    await until(() => host.lines.some((line) => line.includes("connection ended")));
    writeFileSync(`${file}.go`, "");
    await until(() => existsSync(file) && statSync(file).size === sent.length);
  });

  test("of one client among several on a connection end at their next output, as with sshd", async () => {
    const socket = join(host.directory, "m");
    const master = host.start(["-M", "-S", socket, "-N", "ws"]);
    await until(async () => (await host.ssh(["-S", socket, "-O", "check", "ws"])).code === 0);
    const { child, pids } = await start(["-S", socket, "ws", "echo $$; while sleep 0.1; do echo; done"]);
    child.kill("SIGKILL");
    await allGone(pids);
    expect((await host.ssh(["-S", socket, "ws", "echo up"])).stdout.toString()).toBe("up\n");
    master.kill();
  });

  test("get SIGPIPE when the client's reader has gone", async () => {
    const child = host.start(["ws", "echo $$; exec yes"]);
    const [data] = await once(child.stdout ?? child, "data");
    const pid = Number(/\d+/.exec(String(data))?.[0]);
    child.stdout?.destroy();
    await allGone([pid]);
    await until(() => child.exitCode !== null || child.signalCode !== null);
  });

  test("wait for a stopped client and leave the host's memory flat", async () => {
    const child = host.start(["ws", "echo $$; exec yes"]);
    const [data] = await once(child.stdout ?? child, "data");
    const pid = Number(/\d+/.exec(String(data))?.[0]);
    child.kill("SIGSTOP");
    const time = async () =>
      (await host.ssh(["ws", `cut -d' ' -f14,15 /proc/${pid}/stat`])).stdout.toString();
    await settled(time);
    const before = process.memoryUsage().rss;
    const used = await time();
    // That the writer does nothing can only be seen over a time.
    await new Promise((resolve) => setTimeout(resolve, 1000));
    expect(await time()).toBe(used);
    // A host that goes on reading would take more than this within that second, even on a slow machine.
    expect(process.memoryUsage().rss - before).toBeLessThan(64 * 1024 * 1024);
    child.kill("SIGKILL");
    await allGone([pid]);
  });

  test("wait for a slow program and leave the host's memory flat", async () => {
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
    survivors.push(pid);
  });
});

describe("closing the server", () => {
  test("ends connections and sessions, and hangs up their terminals", async () => {
    const other = await startHost();
    const child = other.start(["-tt", "ws", "echo $$; exec sleep 300"]);
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
