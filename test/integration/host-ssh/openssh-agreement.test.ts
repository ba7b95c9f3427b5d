// Runs the same commands through OpenSSH's sshd and through our server, as the same user: what they see and how they end
// must agree.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type OpenSshServer, startOpenSshServer } from "../../bench/openssh-server.ts";
import { shortAndLong } from "../../support/long.ts";
import { freePort } from "../../support/loopback.ts";
import { type Host, isAlive, makeKey, startHost } from "../../support/ssh/host-ssh.ts";
import { type Finished, finish } from "../../support/ssh/ssh-client.ts";
import { until } from "../../support/until.ts";

let host: Host;
let directory: string;
let reference: OpenSshServer | undefined;
const survivors = new Set<number>();

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "agreement-"));
  makeKey(join(directory, "id_ed25519"), ["-t", "ed25519"]);
  reference = await startOpenSshServer(directory, { settings: ["AcceptEnv *"] });
  host = await startHost();
  for (const { name, at, to } of sides()) {
    const socket = join(directory, name);
    host.start(["-M", "-S", socket, "-N", ...at, to]);
    await until(async () => (await host.ssh(["-S", socket, "-O", "check", ...at, to])).code === 0);
  }
});
afterAll(async () => {
  for (const pid of survivors) if (isAlive(pid)) process.kill(pid, "SIGKILL");
  await host.stop();
  await reference?.stop();
  rmSync(directory, { recursive: true });
});

/** Options up to the server's name, and the name. */
function sides(): { name: string; at: readonly string[]; to: string }[] {
  const ours = { name: "sallyport", at: host.options.slice(2), to: "ws" };
  if (reference === undefined) return [ours];
  // The harness starts ssh with a configuration of ours; the last one given counts.
  return [ours, { name: "sshd", at: ["-F", reference.sshConfig], to: "sshd" }];
}

type Run = (at: readonly string[], to: string) => Promise<unknown>;

/** Over the connection to each server that is already open. */
const both = (run: Run) => agree((at, to, name) => run(["-S", join(directory, name), ...at], to));

async function agree(
  run: (at: readonly string[], to: string, name: string) => Promise<unknown>,
): Promise<void> {
  const results: unknown[] = [];
  for (const { name, at, to } of sides()) results.push(await run(at, to, name));
  if (reference === undefined) return console.warn("not compared: sshd is not installed (openssh-server)");
  expect(results[0]).toEqual(results[1]);
}

const shown = ({ code, stdout, stderr }: Finished) => ({ code, stdout: stdout.toString(), stderr });

describe("stdio can be opened again, as with sshd:", () => {
  const COMMANDS: readonly (readonly [string, string])[] = [
    ["bash /dev/stdin", "echo ok\n"],
    [". /dev/stdin; echo $x", "x=4\n"],
    ["cat /dev/stdin", "some input\n"],
    ["cat /dev/fd/0", "some input\n"],
    ["cat /proc/self/fd/0", "some input\n"],
    ["exec 3</dev/stdin; cat; cat <&3", "some input\n"],
    ["read -r first; echo $first; cat /dev/stdin", "one\ntwo\n"],
    ["cat >/dev/null; cat /dev/stdin; echo end", "read by then\n"],
    ["f=$(mktemp); cp /dev/stdin $f; cat $f; rm $f", "copied\n"],
    ["git hash-object --stdin; git hash-object /dev/stdin", ""],
    ["tee /dev/stderr", "twice\n"],
    ["echo a >/dev/stdout; echo b >>/dev/stdout; echo c >/dev/fd/1; echo d >/proc/self/fd/1", ""],
    ["echo a >/dev/stderr; echo b >>/dev/fd/2; cat </dev/stdin >/dev/stderr", "c\n"],
    ["exec 4>/dev/stdout 5>/dev/stderr; echo o >&4; echo e >&5", ""],
    ["head -c 3 /dev/stdin; cat /dev/stdin", "abcdef"],
    ["for n in 0 1 2; do test -p /dev/fd/$n && echo pipe; done", ""],
    ["wc -c /dev/stdin", "x".repeat(3_000_000)],
  ];

  for (const [some, options] of shortAndLong(COMMANDS, 4)) {
    test.each(some)("%s", options, (command, input) =>
      both(async (at, to) => shown(await finish(host.start([...at, to, command]), input))),
    );
  }

  test("without input: ssh -n", () =>
    both(async (at, to) => shown(await host.ssh(["-n", ...at, to, "cat /dev/stdin; echo end"]))));
});

describe("a process has what sshd gives it:", () => {
  const SET = `SetEnv=${[..."abcdefghijklmnopqrstuvwxyz"].map((name) => `${name}=1`).join(" ")} GLOBIGNORE=* POSIXLY_CORRECT=1 COLORTERM=x LC_ALL=C LANG=C`;
  /** Leaves out what differs between the two servers or terminals, and the PATH and MAIL that each was built with. */
  const DIFFER = /^(SSH_CLIENT|SSH_CONNECTION|SSH_TTY|PATH|MAIL|TZ|XDG_RUNTIME_DIR|TMPDIR|LANGUAGE)=/;
  const variables = ({ stdout }: Finished) =>
    stdout
      .toString()
      .trim()
      .split(/[\0\n]/)
      .filter((line) => line !== "" && !DIFFER.test(line))
      .sort();

  // Each over its own connection, since ssh sends no SetEnv over a shared one.
  test.each([
    ["its environment, and nothing else", [], "env -0"],
    ["its environment on a terminal", ["-tt"], "env -0"],
    ["its environment before any shell has added to it", [], "cat /proc/$$/environ"],
  ])("%s", (_, options, command) =>
    agree(async (at, to) => {
      const found = variables(await host.ssh([...options, "-o", SET, ...at, to, command]));
      expect(found).toContain("a=1");
      return found;
    }),
  );

  test.each([
    ["its name", "echo $0; tr '\\0' ' ' </proc/$$/cmdline; :"],
    ["its descriptors", "ls /proc/self/fd"],
    ["a session of its own", "test $(ps -o sid= -p $$) = $$ && test $(ps -o pgid= -p $$) = $$ && echo leads"],
    ["its signals", "grep -E '^Sig(Blk|Ign|Cgt)' /proc/self/status"],
    ["its umask", "umask"],
    ["its directory", "pwd"],
    ["its number of shells", "echo $SHLVL"],
  ])("%s", async (_, command) => {
    await both(async (at, to) => shown(await host.ssh([...at, to, command])));
    await both(async (at, to) => shown(await host.ssh(["-tt", ...at, to, command])));
  });
});

describe("when the client goes, as with sshd,", () => {
  /** `node` like an editor's server: it undoes what nohup did to SIGHUP. */
  const NODE = `${process.execPath} -e 'setInterval(() => {}, 1000)' >/dev/null 2>&1 </dev/null`;
  const CASES: readonly (readonly [string, readonly string[], string, boolean])[] = [
    ["a nohup'd node lives", [], `nohup ${NODE} & echo $!`, true],
    ["a disowned node lives", [], `${NODE} & disown; echo $!`, true],
    ["a background job lives", [], "sleep 300 >/dev/null 2>&1 & echo $!", true],
    ["what runs in the foreground and writes nothing lives", [], "echo $$; exec sleep 300 2>/dev/null", true],
    [
      "a setsid'd process on a terminal lives",
      ["-tt"],
      "setsid sleep 300 >/dev/null 2>&1 </dev/null & sleep 0.2; echo $!",
      true,
    ],
    ["what a terminal has in its foreground dies", ["-tt"], "echo $$; exec sleep 300", false],
    [
      "what catches a terminal's hang-up lives",
      ["-tt"],
      `trap : HUP; echo $$; exec >/dev/null 2>&1 </dev/null; while :; do sleep 0.1; done`,
      true,
    ],
  ];

  for (const [some, options] of shortAndLong(CASES, 2)) {
    test.each(some)("%s", options, async (_, options, command, lives) => {
      for (const { name, at, to } of sides()) {
        const marker = join(directory, `gone ${name}`);
        rmSync(marker, { force: true });
        // The witness belongs to the same session: once it writes, the session has been told of its end, if it is told
        // at all.
        const witness = `(trap 'exit' HUP; trap 'echo >"${marker}"' EXIT; cat >/dev/null) <&3 >/dev/null 2>&1 & `;
        const child = host.start([...options, ...at, to, `exec 3<&0; ${witness}${command}; wait`]);
        let output = "";
        child.stdout?.on("data", (data: Buffer) => {
          output += data.toString();
        });
        const pid = Number(await until(() => /^(\d+)\r?$/m.exec(output)?.[1]));
        survivors.add(pid);
        expect(isAlive(pid), name).toBe(true);
        if (command.includes(NODE)) await until(() => catchesOrTakesHangUp(pid));
        child.kill("SIGKILL");
        if (lives) {
          await until(() => exists(marker));
          expect(isAlive(pid), name).toBe(true);
          process.kill(pid, "SIGKILL");
        } else {
          await until(() => !isAlive(pid));
        }
      }
    });
  }

  /** Node has begun: it no longer ignores what nohup made it ignore. */
  function catchesOrTakesHangUp(pid: number): boolean {
    const status = readFileSync(`/proc/${pid}/status`, "latin1");
    // SIGHUP is signal 1, bit 0; SIGPIPE, bit 12, is what Node ignores itself.
    const ignored = Number.parseInt(/^SigIgn:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? "1", 16);
    return (ignored & 0x1001) === 0x1000;
  }

  test("an editor's server lives that a script on stdin has started", async () => {
    const script = `cat >server.js <<'END'
const server = require("node:http").createServer((_, answer) => answer.end("here"));
server.listen(0, "127.0.0.1", () => require("node:fs").writeFileSync("port", String(server.address().port)));
END
rm -f port
nohup "${process.execPath}" server.js >log 2>&1 </dev/null &
echo "pid=$! shell=$$"
disown
while [ ! -s port ]; do sleep 0.05; done
echo "port=$(cat port)"
cat >/dev/null
`;
    for (const { name, at, to } of sides()) {
      const folder = mkdtempSync(join(directory, "editor-"));
      writeFileSync(join(folder, "script"), `cd '${folder}'\n${script}`);
      const child = host.start(["-T", "-D", String(await freePort()), ...at, to, "bash"]);
      let output = "";
      child.stdout?.on("data", (data: Buffer) => {
        output += data.toString();
      });
      child.stdin?.write(readFileSync(join(folder, "script")));
      const port = await until(() => /port=(\d+)\n/.exec(output)?.[1]);
      const pid = Number(/pid=(\d+)/.exec(output)?.[1]);
      survivors.add(pid);
      child.kill("SIGKILL");
      // The script's shell has read the end of its input.
      const shell = Number(/shell=(\d+)/.exec(output)?.[1]);
      await until(() => !isAlive(shell));
      expect(await (await fetch(`http://127.0.0.1:${port}/`)).text(), name).toBe("here");
      process.kill(pid, "SIGKILL");
    }
  });
});

function exists(path: string): boolean {
  try {
    readFileSync(path);
    return true;
  } catch {
    return false;
  }
}
