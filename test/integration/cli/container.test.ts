// A host as containers run it: as the first process of a process namespace, and as a user id without an entry.

import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { spawn as spawnTerminal } from "@lydell/node-pty";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { CLI } from "../../../scripts/repository.ts";
import { TestStack } from "../../support/link.ts";

const NAMESPACE = ["--pid", "--fork", "--kill-child", "--mount-proc"];
const mayUnshare = spawnSync("unshare", [...NAMESPACE, "true"]).status === 0;
const isRoot = process.getuid?.() === 0;

let stack: TestStack;
let directory: string;
const running: ChildProcess[] = [];
beforeAll(async () => {
  stack = await TestStack.start(["--open"]);
  directory = mkdtempSync(join(tmpdir(), "container-"));
  chmodSync(directory, 0o755);
});
afterEach(() => {
  for (const child of running.splice(0)) child.kill("SIGKILL");
});
afterAll(async () => {
  await stack.close();
  rmSync(directory, { recursive: true, force: true });
});

/** What it prints comes by `said`; the environment is what a container gives. */
function start(command: readonly string[], env: Record<string, string>) {
  const [program = "", ...args] = command;
  const child = spawn(program, args, { env: { PATH: process.env.PATH ?? "", ...env }, cwd: "/" });
  running.push(child);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (data: Buffer) => {
      output += data.toString();
    });
  }
  const ended = new Promise<number | null>((resolve) => child.once("exit", resolve));
  return { child, ended, said: () => output };
}

async function until<T>(check: () => T | undefined | false, said: () => string): Promise<T> {
  for (const deadline = Date.now() + 60_000; ; ) {
    const value = check();
    if (value !== undefined && value !== false) return value;
    if (Date.now() > deadline) throw new Error(`not in time; it said: ${said()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const host = (...more: string[]) => [
  process.execPath,
  CLI,
  "host",
  "--gateway",
  stack.url,
  "--anyone",
  "--json",
  ...more,
];
const childOf = (pid: number | undefined) =>
  Number(readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ")[0]);

describe.skipIf(!mayUnshare)(
  "a host that is the first process (skipped where there may be no namespaces)",
  () => {
    async function container() {
      const state = mkdtempSync(join(directory, "state-"));
      const run = start(["unshare", ...NAMESPACE, ...host("--open", "--state", state, "--name", "first")], {
        HOME: state,
      });
      await until(() => run.said().includes('"event":"ready"'), run.said);
      return { ...run, init: childOf(run.child.pid) };
    }

    test("reaps what nobody waits for, passes on its stop and ends with its status", async () => {
      const { init, ended, said } = await container();
      expect(readFileSync(`/proc/${init}/comm`, "utf8")).toBe("sh\n");
      for (let round = 0; round < 5; round++) {
        // Each leaves a process behind, whose parent is the first process from then on.
        execFileSync("nsenter", ["-t", String(init), "-p", "-m", "sh", "-c", "sleep 0.1 & exit 0"], {
          stdio: "ignore",
        });
      }
      const inside = () =>
        readdirSync("/proc")
          .filter((name) => /^\d+$/.test(name))
          .filter((pid) => parentOf(pid) === init);
      await until(() => inside().length === 1, said);
      process.kill(init, "SIGTERM");
      expect(await ended).toBe(0);
    });

    test("on a terminal (docker run -it) stops in order at Ctrl-C", async () => {
      const state = mkdtempSync(join(directory, "state-"));
      const command = [...NAMESPACE, ...host("--open", "--state", state, "--name", "typed")];
      const terminal = spawnTerminal("unshare", command, {
        env: { PATH: process.env.PATH, HOME: state },
        cols: 300,
      });
      let output = "";
      terminal.onData((data) => {
        output += data;
      });
      const ended = new Promise<number>((resolve) => terminal.onExit(({ exitCode }) => resolve(exitCode)));
      try {
        await until(
          () => output.includes('"event":"ready"'),
          () => output,
        );
        terminal.write("\x03");
        // 130 would be the end by the signal itself.
        expect(await ended).toBe(0);
      } finally {
        terminal.kill("SIGKILL");
      }
    });

    test("serves without a shell, and says what then stays behind", async () => {
      const state = mkdtempSync(join(directory, "state-"));
      const withoutShell = ["bash", "-c", 'mount --bind /dev/null /bin/sh; exec "$@"', "bash"];
      const command = ["--mount", ...NAMESPACE, ...withoutShell];
      const run = start(["unshare", ...command, ...host("--open", "--state", state, "--name", "bare")], {
        HOME: state,
      });
      await until(() => run.said().includes('"event":"ready"'), run.said);
      expect(run.said()).toMatch(/leaves zombies behind: start the container with an init/);
      process.kill(childOf(run.child.pid), "SIGTERM");
      expect(await run.ended).toBe(0);
    });

    test("does not show its token in the process list", async () => {
      const { token } = await stack.token(await stack.account("cal"), ["host", "connect"]);
      const state = mkdtempSync(join(directory, "state-"));
      const run = start(
        ["unshare", ...NAMESPACE, ...host("--token", token, "--state", state, "--name", "second")],
        { HOME: state },
      );
      await until(() => run.said().includes('"event":"ready"'), run.said);
      const init = childOf(run.child.pid);
      for (const pid of [init, childOf(init)]) {
        const shown = readFileSync(`/proc/${pid}/cmdline`, "latin1");
        expect(shown).toContain("host");
        expect(shown).not.toContain(token);
      }
      process.kill(init, "SIGTERM");
      expect(await run.ended).toBe(0);
    });
  },
);

describe.skipIf(!isRoot)(
  "a host of a user id without an entry in /etc/passwd (skipped unless run by root)",
  () => {
    const UNKNOWN = 2_147_400_123;

    test("serves its sessions, with what the environment says of the person", async () => {
      const home = mkdtempSync(join(directory, "home-"));
      execFileSync("chown", [String(UNKNOWN), home]);
      const key = join(directory, "key");
      execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "", "-f", key]);
      const run = start(
        [
          "setpriv",
          `--reuid=${UNKNOWN}`,
          `--regid=${UNKNOWN}`,
          "--clear-groups",
          ...host("--open", "--name", "third", "--cwd", home),
        ],
        { HOME: home, SHELL: "/bin/sh" },
      );
      const line = await until(() => /^\{"event":"ready".*$/m.exec(run.said())?.[0], run.said);
      const { id } = JSON.parse(line).workspace;
      const identity = join(home, ".local/state/sallyport/host/ssh_host_ed25519_key");
      const hostKey = execFileSync("ssh-keygen", ["-y", "-f", identity]).toString().trim();
      const knownHosts = join(directory, "known_hosts");
      writeFileSync(knownHosts, `third ${hostKey}\n`);
      const tunnel = `${process.execPath} ${CLI} tunnel ${stack.url} ${id}`;
      const shown = await new Promise<string>((resolve, reject) => {
        const child = spawn(
          "ssh",
          [
            "-F",
            "none",
            "-o",
            `ProxyCommand=${tunnel}`,
            "-o",
            "HostKeyAlias=third",
            "-o",
            `UserKnownHostsFile=${knownHosts}`,
          ].concat([
            "-o",
            "BatchMode=yes",
            "-o",
            "IdentitiesOnly=yes",
            "-i",
            key,
            "x@third",
            'id -u; echo "$HOME|$USER|$SHELL"; pwd',
          ]),
          { env: { PATH: process.env.PATH ?? "", HOME: directory, SALLYPORT_KEYCHAIN: "off" } },
        );
        running.push(child);
        let output = "";
        child.stdout.on("data", (data: Buffer) => {
          output += data.toString();
        });
        let errors = "";
        child.stderr.on("data", (data: Buffer) => {
          errors += data.toString();
        });
        child.once("close", (code) =>
          code === 0 ? resolve(output) : reject(new Error(`${code}: ${errors}`)),
        );
      });
      expect(shown).toBe(`${UNKNOWN}\n${home}|${UNKNOWN}|/bin/sh\n${home}\n`);
    });

    test("uses its authorized_keys file without a home as well", async () => {
      const own = mkdtempSync(join(directory, "own-"));
      execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "", "-f", join(own, "key")]);
      execFileSync("chown", ["-R", String(UNKNOWN), own]);
      const run = start(
        [
          "setpriv",
          `--reuid=${UNKNOWN}`,
          `--regid=${UNKNOWN}`,
          "--clear-groups",
          ...host("--open", "--name", "fifth", "--state", join(own, "state")),
          "--authorized-keys",
          join(own, "key.pub"),
        ],
        {},
      );
      await until(() => run.said().includes('"event":"ready"'), run.said);
      expect(run.said()).toContain("key.pub: 1 key\n");
    });

    test("keeps its identity among temporary files where it has no home, and says so", async () => {
      const TMPDIR = mkdtempSync(join(directory, "temporary-"));
      execFileSync("chown", [String(UNKNOWN), TMPDIR]);
      const key = join(TMPDIR, `sallyport-${UNKNOWN}`, "host", "ssh_host_ed25519_key");
      const keys = new Set<string>();
      for (let round = 0; round < 2; round++) {
        const run = start(
          [
            "setpriv",
            `--reuid=${UNKNOWN}`,
            `--regid=${UNKNOWN}`,
            "--clear-groups",
            ...host("--open", "--name", "fourth"),
          ],
          { TMPDIR },
        );
        await until(() => run.said().includes('"event":"ready"'), run.said);
        keys.add(readFileSync(key, "utf8"));
        expect(run.said()).toContain(
          `/.local/state/sallyport/host cannot be written to (EACCES), so this workspace's identity is in ${TMPDIR}/sallyport-${UNKNOWN}: keep`,
        );
        run.child.kill("SIGTERM");
        await run.ended;
      }
      expect(keys.size).toBe(1);
    });
  },
);

function parentOf(pid: string): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
  } catch {
    return 0;
  }
}
