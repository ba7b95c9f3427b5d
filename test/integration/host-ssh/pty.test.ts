import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type IPty, spawn } from "@lydell/node-pty";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { LONG } from "../../support/long.ts";
import { type Host, isAlive, startHost } from "../../support/ssh/host-ssh.ts";
import { finish } from "../../support/ssh/ssh-client.ts";
import { settled, until } from "../../support/until.ts";

let host: Host;
const terminals: IPty[] = [];
beforeAll(async () => {
  host = await startHost();
});
afterEach(() => {
  for (const terminal of terminals.splice(0)) {
    try {
      terminal.kill("SIGKILL");
    } catch {
      // It has ended by itself.
    }
  }
});
afterAll(() => host.stop());

/** ssh in its own terminal, as a person has it. */
function terminal(command: readonly string[], size = { cols: 100, rows: 30 }) {
  const child = spawn(command[0] ?? "", command.slice(1), { ...size, name: "xterm-256color" });
  terminals.push(child);
  let output = "";
  child.onData((data) => {
    output += data;
  });
  const exit = new Promise<number>((resolve) => child.onExit(({ exitCode }) => resolve(exitCode)));
  return {
    child,
    exit,
    get output() {
      return output;
    },
    shows: (pattern: RegExp) => until(() => pattern.exec(output) ?? undefined),
  };
}
const ssh = (...args: string[]) => ["ssh", ...host.options, ...args];

// These shells start in the home of the person who runs the tests: what is typed here does not go into its history.
describe("a PTY", () => {
  test("runs a login shell named -bash or the like, with SSH_TTY and TERM", async () => {
    const { child, shows, exit } = terminal(ssh("ws"));
    child.write("unset HISTFILE; PS1='ready> '; echo \"<$0|$SSH_TTY|$(tty)|$TERM>\"\n");
    const [, name, variable, tty, term] = await shows(/<(-\w+)\|(\S+)\|(\S+)\|(\S+)>/);
    expect([name?.[0], variable, term]).toEqual(["-", tty, "xterm-256color"]);
    child.write("exit 5\n");
    expect(await exit).toBe(5);
  });

  test("runs a command when asked to", async () => {
    const result = await host.ssh(["-tt", "ws", "test -t 0 && test -t 1 && test -t 2 && echo all; exit 6"]);
    expect([result.code, result.stdout.toString()]).toEqual([6, "all\r\n"]);
  });

  test("has the client's size and follows it", async () => {
    const { child, shows } = terminal(
      ssh("-t", "ws", "trap 'stty size' WINCH; stty size; while sleep 0.05; do :; done"),
    );
    await shows(/30 100\r/);
    child.resize(132, 43);
    await shows(/43 132\r/);
  });

  test("has the client's terminal modes", async () => {
    const script = `stty intr ^X -ixon erase ^H; ${ssh("-t", "ws", "stty -a").join(" ")}`;
    const screen = terminal(["/bin/sh", "-c", script]);
    await screen.exit;
    expect(screen.output).toMatch(/intr = \^X;/);
    expect(screen.output).toMatch(/erase = \^H;/);
    expect(screen.output).toMatch(/[^-]icanon/);
    expect(screen.output).toMatch(/-ixon/);
  });

  test("interrupts the foreground by Ctrl-C and leaves the shell", async () => {
    const { child, shows } = terminal(ssh("ws"));
    child.write("unset HISTFILE; PS1='ready> '; sleep 100; echo \"code=$?\"\n");
    await shows(/ready> /);
    await until(async () => (await host.ssh(["ws", "pgrep -fx 'sleep 100'"])).code === 0);
    child.write("\x03");
    await shows(/ready> $/);
    child.write("echo still $((40+2))\n");
    await shows(/still 42/);
  });

  for (const [times, options] of [
    [3, {}],
    [20, LONG],
  ] as const) {
    test(`shows every byte of a command that ends at once, ${times} times`, options, async () => {
      const socket = join(host.directory, `m-${times}`);
      const master = host.start(["-M", "-S", socket, "-N", "ws"]);
      await until(async () => (await host.ssh(["-S", socket, "-O", "check", "ws"])).code === 0);
      for (let round = 0; round < times; round++) {
        const result = await host.ssh(["-tt", "-S", socket, "ws", "head -c 5000000 /dev/zero; exit 9"]);
        expect([round, result.code, result.stdout.length]).toEqual([round, 9, 5_000_000]);
      }
      master.kill();
    });
  }

  test("shows every byte to a reader that comes late", async () => {
    const child = host.start(["-tt", "ws", "head -c 8000000 /dev/zero; echo; exit 9"]);
    // Unread, ssh blocks after a pipe's worth, and the host after a window and a terminal's worth. Nothing happens once
    // both are blocked, so there is no condition to wait for.
    await until(() => host.lines.some((line) => line.includes("started on a PTY")));
    await new Promise((resolve) => setTimeout(resolve, 700));
    const result = await finish(child);
    expect([result.code, result.stdout.indexOf(Buffer.from([13]))]).toEqual([9, 8_000_000]);
  });

  test("takes a large paste whole", async () => {
    const lines = Array.from({ length: 5000 }, (_, index) => `line ${index}`).join("\n");
    const result = await host.ssh(["-tt", "ws", "stty raw -echo; echo go; head -c 48889 | cksum"], lines);
    const expected = await host.ssh(["ws", "head -c 48889 | cksum"], lines);
    expect(result.stdout.toString()).toContain(expected.stdout.toString().trim());
  });

  test("ends with the shell, even if other processes still have the terminal", async () => {
    const file = join(host.directory, "still there");
    const holder = `setsid sh -c 'echo $$ >"${file}"; exec sleep 300'`;
    const result = await host.ssh([
      "-tt",
      "ws",
      `${holder} & while [ ! -s "${file}" ]; do sleep 0.05; done; echo done`,
    ]);
    expect(result.stdout.toString()).toBe("done\r\n");
    const pid = Number(readFileSync(file, "utf8"));
    expect(isAlive(pid)).toBe(true);
    process.kill(pid, "SIGKILL");
  });

  test("hangs up its foreground and its shell when the connection is lost", async () => {
    const { child, shows } = terminal(ssh("ws"));
    child.write("unset HISTFILE; PS1='ready> '; echo \"shell=$$\"; sh -c 'echo job=$$; sleep 200; :'\n");
    const [, shell] = await shows(/shell=(\d+)/);
    const [, job] = await shows(/job=(\d+)\r/);
    expect([isAlive(Number(shell)), isAlive(Number(job))]).toEqual([true, true]);
    host.sockets.at(-1)?.destroy();
    await until(() => !isAlive(Number(shell)) && !isAlive(Number(job)));
  });

  test("keeps the host's memory flat and the writer waiting while nobody reads", async () => {
    const child = host.start(["-tt", "ws", "echo $$; exec yes"]);
    const [first] = await once(child.stdout ?? child, "data");
    child.stdout?.pause();
    const pid = Number(/\d+/.exec(String(first))?.[0]);
    // Blocked in its write: it uses no more time.
    const time = () =>
      host.ssh(["ws", `cut -d' ' -f14,15 /proc/${pid}/stat`]).then((result) => String(result.stdout));
    await settled(time);
    const before = process.memoryUsage().rss;
    // Nothing happens now, so there is no condition to wait for.
    // A host that goes on reading would fill its memory in this time.
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(process.memoryUsage().rss - before).toBeLessThan(64 * 1024 * 1024);
    child.kill("SIGKILL");
    await until(() => !isAlive(pid));
  });
});

describe("a key without a PTY", () => {
  test("is refused one, and the session goes on without", async () => {
    const restricted = await startHost({ permissions: { pty: false } });
    try {
      const result = await restricted.ssh(["-tt", "ws", "true"]);
      expect(result.stderr).toMatch(/PTY allocation request failed/);
      const screen = terminal(["ssh", ...restricted.options, "ws"]);
      screen.child.write("tty; echo on\n");
      await screen.shows(/not a tty\r\n(.*\n)?on/);
    } finally {
      await restricted.stop();
    }
  });
});
