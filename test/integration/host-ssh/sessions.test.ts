import { createHash, randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import { basename, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Host, isAlive, startHost } from "../../support/ssh/host-ssh.ts";
import { finish } from "../../support/ssh/ssh-client.ts";
import { until } from "../../support/until.ts";

let host: Host;
beforeAll(async () => {
  host = await startHost({
    environment: { PATH: process.env.PATH, SALLYPORT_TOKEN: "spt_secret", LANG: "C.UTF-8", AWS_SECRET: "x" },
  });
});
afterAll(() => host.stop());

const shellName = basename(userInfo().shell ?? "/bin/sh");

describe("a command without a PTY", () => {
  test("returns its output, its errors and its exit status separately", async () => {
    const result = await host.ssh(["ws", "echo out; echo err >&2; exit 3"]);
    expect(result).toMatchObject({ code: 3, stderr: "err\n" });
    expect(result.stdout.toString()).toBe("out\n");
  });

  test("runs through the user's shell, named as sshd names it", async () => {
    const result = await host.ssh(["ws", "echo $0 $SHELL"]);
    expect(result.stdout.toString()).toBe(`${shellName} ${userInfo().shell}\n`);
  });

  test("has pipes as its stdio, so that /dev/stderr can be opened", async () => {
    const result = await host.ssh([
      "ws",
      "echo one >/dev/stdout; echo two >/dev/stderr; test -p /dev/stdin && echo pipe",
    ]);
    expect(result.stdout.toString()).toBe("one\npipe\n");
    expect(result.stderr).toBe("two\n");
  });

  test("leads a session of its own, without a terminal", async () => {
    const result = await host.ssh(["ws", "ps -o sid=,pgid=,tty= -p $$; echo $$"]);
    const [, ids, pid] =
      /^ *(\d+ +\d+) \?\n(\d+)\n$/.exec(result.stdout.toString().replace(/ +\?/, " ?")) ?? [];
    expect(ids?.split(/ +/)).toEqual([pid, pid]);
  });

  test("reads to the end of input and answers after it", async () => {
    const result = await host.ssh(["ws", "sort"], "b\nc\na\n");
    expect(result.stdout.toString()).toBe("a\nb\nc\n");
  });

  test("may end its output long before it reads its input", async () => {
    const child = host.start(["ws", "echo early; exec >&-; cat >/dev/null; exit 7"]);
    const done = finish(child, randomBytes(3_000_000));
    expect(await done).toMatchObject({ code: 7 });
  });

  test("has all of its output sent before the exit status, even if it ends at once", async () => {
    const size = 5_000_000;
    for (let round = 0; round < 5; round++) {
      const result = await host.ssh(["ws", `head -c ${size} /dev/zero; head -c 100000 /dev/zero >&2`]);
      expect([result.code, result.stdout.length, result.stderr.length]).toEqual([0, size, 100_000]);
    }
  });

  test("carries bytes both ways unchanged", async () => {
    const data = randomBytes(8 * 1024 * 1024);
    const result = await host.ssh(["ws", "cat"], data);
    expect(createHash("sha256").update(result.stdout).digest("hex")).toBe(
      createHash("sha256").update(data).digest("hex"),
    );
  });

  test("mixes neither of its outputs into the other while both are full", async () => {
    const script =
      "for i in $(seq 200); do head -c 40000 /dev/zero; head -c 40000 /dev/zero | tr '\\0' e >&2; done";
    const result = await host.ssh(["ws", script]);
    expect(result.stdout.equals(Buffer.alloc(8_000_000))).toBe(true);
    expect(result.stderr).toBe("e".repeat(8_000_000));
  });

  test("stops the sender once it has closed its input", async () => {
    // Without the notice, ssh would go on reading from an endless source until the command ends.
    const child = host.start(["-vv", "ws", "head -c 10 >/dev/null; exec <&-; sleep 0.5; echo done"]);
    const endless = setInterval(() => child.stdin?.write(Buffer.alloc(65536)), 1);
    child.stdin?.on("close", () => clearInterval(endless));
    let output = "";
    child.stdout?.on("data", (data: Buffer) => {
      output += data.toString();
    });
    let debug = "";
    child.stderr?.on("data", (data: Buffer) => {
      debug += data.toString();
    });
    child.stdin?.on("error", () => {});
    await new Promise((done) => child.once("exit", done));
    clearInterval(endless);
    expect([child.exitCode, output]).toEqual([0, "done\n"]);
    expect(debug).toMatch(/rcvd eow/);
  });

  test("waits, as sshd does, for other processes that still hold its output", async () => {
    const started = Date.now();
    const result = await host.ssh(["ws", "(sleep 1; echo late) & echo now"]);
    expect(result.stdout.toString()).toBe("now\nlate\n");
    expect(Date.now() - started).toBeGreaterThan(900);
  });

  test("does not wait for processes that hold nothing of it", async () => {
    const result = await host.ssh(["ws", "nohup sleep 300 >/dev/null 2>&1 </dev/null & echo $!"]);
    const pid = Number(result.stdout.toString());
    expect(isAlive(pid)).toBe(true);
    process.kill(pid, "SIGKILL");
  });

  test("that a signal ended is reported by the signal's name", async () => {
    const result = await host.ssh(["-v", "ws", "kill -TERM $$"]);
    expect(result.code).toBe(255);
    expect(result.stderr).toMatch(/rtype exit-signal/);
    const other = await host.ssh(["ws", "kill -KILL $$; echo still here"]);
    expect([other.code, other.stdout.length]).toEqual([255, 0]);
  });

  test("that cannot start says so and fails with 127", async () => {
    const broken = await startHost({ shell: "/nonexistent/shell" });
    try {
      const result = await broken.ssh(["ws", "true"]);
      expect(result.code).toBe(127);
      expect(result.stderr).toMatch(/\/nonexistent\/shell does not start/);
    } finally {
      await broken.stop();
    }
  });
});

describe("a shell without a PTY", () => {
  test("is a login shell", async () => {
    const result = await host.ssh(["ws"], "echo $0; exit 4\n");
    expect(result.code).toBe(4);
    expect(result.stdout.toString()).toContain(`-${shellName}\n`);
  });
});

describe("the environment", () => {
  const environment = async (args: readonly string[] = []) => {
    const result = await host.ssh([...args, "ws", "env -0"]);
    return new Map(
      result.stdout
        .toString()
        .split("\0")
        .map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)] as const),
    );
  };

  test("is a login's, and has nothing of the host's own", async () => {
    const variables = await environment();
    const user = userInfo();
    expect(variables.get("HOME")).toBe(user.homedir);
    expect(variables.get("USER")).toBe(user.username);
    expect(variables.get("LOGNAME")).toBe(user.username);
    expect(variables.get("LANG")).toBe("C.UTF-8");
    expect(variables.get("SSH_CONNECTION")).toMatch(/^192\.0\.2\.7 \d+ \S+ \d+$/);
    expect(variables.get("SSH_CLIENT")).toMatch(/^192\.0\.2\.7 \d+ \d+$/);
    expect(variables.has("SSH_TTY")).toBe(false);
    expect([...variables.keys()].filter((name) => /SALLYPORT|AWS/.test(name))).toEqual([]);
  });

  test("takes what the client sends, except what changes which code runs", async () => {
    const variables = await environment([
      "-o",
      "SetEnv=LC_TIME=de_DE COLORTERM=truecolor MY_SETTING=1 GIT_PROTOCOL=version=2 LD_PRELOAD=/x.so " +
        "BASH_ENV=/x NODE_OPTIONS=--x GIT_SSH_COMMAND=x SSH_AUTH_SOCK=/x SALLYPORT_TOKEN=x PYTHONPATH=/x",
    ]);
    expect(variables.get("LC_TIME")).toBe("de_DE");
    expect(variables.get("COLORTERM")).toBe("truecolor");
    expect(variables.get("MY_SETTING")).toBe("1");
    expect(variables.get("GIT_PROTOCOL")).toBe("version=2");
    for (const name of [
      "LD_PRELOAD",
      "BASH_ENV",
      "NODE_OPTIONS",
      "GIT_SSH_COMMAND",
      "SSH_AUTH_SOCK",
      "PYTHONPATH",
    ]) {
      expect(variables.has(name), name).toBe(false);
    }
    expect(variables.has("SALLYPORT_TOKEN")).toBe(false);
  });
});

describe("a locale that the machine does not have", () => {
  test("reaches the process, and nothing complains about it before", async () => {
    const plain = await startHost({ shell: "/bin/sh" });
    try {
      const result = await plain.ssh(["-o", "SetEnv=LC_ALL=xx_YY.UTF-8", "ws", "echo $LC_ALL"]);
      expect(result).toMatchObject({ stdout: Buffer.from("xx_YY.UTF-8\n"), stderr: "" });
    } finally {
      await plain.stop();
    }
  });
});

describe("several sessions on one connection", () => {
  test("run side by side and end apart", async () => {
    const socket = join(host.directory, "m");
    const master = host.start(["-M", "-S", socket, "-N", "ws"]);
    await until(async () => (await host.ssh(["-S", socket, "-O", "check", "ws"])).code === 0);
    const before = host.sockets.length;
    const results = await Promise.all(
      [1, 2, 3, 4, 5].map((code) => host.ssh(["-S", socket, "ws", `sleep 0.1; echo ${code}; exit ${code}`])),
    );
    expect(results.map((result) => [result.code, result.stdout.toString()])).toEqual(
      [1, 2, 3, 4, 5].map((code) => [code, `${code}\n`]),
    );
    expect(host.sockets.length).toBe(before);
    master.kill();
  });
});

describe("a place to start", () => {
  test("is the home directory, or what the host was told", async () => {
    expect((await host.ssh(["ws", "pwd"])).stdout.toString()).toBe(`${userInfo().homedir}\n`);
    const elsewhere = await startHost({ cwd: "/usr" });
    try {
      expect((await elsewhere.ssh(["ws", "pwd"])).stdout.toString()).toBe("/usr\n");
    } finally {
      await elsewhere.stop();
    }
  });

  test("that is missing is said, and the session starts in /", async () => {
    const missing = join(host.directory, "missing");
    const other = await startHost({ cwd: missing });
    try {
      const result = await other.ssh(["ws", "pwd"]);
      expect(result.stdout.toString()).toBe("/\n");
      expect(result.stderr).toContain(missing);
    } finally {
      await other.stop();
    }
  });
});

describe("sftp", () => {
  test("is served on its subsystem", async () => {
    const file = join(host.directory, "some file");
    writeFileSync(file, "content");
    const result = await host.ssh(["-s", "ws", "sftp"], Buffer.from([0, 0, 0, 5, 1, 0, 0, 0, 3]));
    expect(result.code).toBe(0);
    // VERSION 3
    expect([...result.stdout.subarray(4, 9)]).toEqual([2, 0, 0, 0, 3]);
  });

  test("is the only subsystem", async () => {
    const result = await host.ssh(["-s", "ws", "netconf"]);
    expect(result.stderr).toMatch(/subsystem request failed/);
  });
});
