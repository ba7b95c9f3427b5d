// Everything together, as a person has it: gateway, host and companion as processes of their own, and the machine's
// own ssh, rsync and sshfs.

import { execFile, spawn, spawnSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { gatewayApi } from "../../../agent/client/gateway-api.ts";
import { parseGatewayUrl } from "../../../protocol/values/gateway-url.ts";
import { parseKeyId } from "../../../protocol/values/id.ts";
import { parseAccessToken } from "../../../protocol/values/token.ts";
import { registerKeyFile } from "../../../scripts/register-key.ts";
import { CLI } from "../../../scripts/repository.ts";
import { LONG } from "../../support/long.ts";
import { type Stack, startHost, startStack } from "../../support/stack.ts";

const run = promisify(execFile);
const has = (command: string): boolean => spawnSync("sh", ["-c", `command -v ${command}`]).status === 0;

let directory: string;
let stack: Stack;
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "sallyport-whole-"));
  stack = await startStack({ directory, workspace: "dev" });
});
afterAll(async () => {
  await stack?.stop();
  rmSync(directory, { recursive: true, force: true });
});

const ssh = (...args: string[]) => run("ssh", ["-F", stack.sshConfig, "dev", ...args]);

/** Kilobytes of resident memory (proc(5)). */
function rss(pid: number | undefined): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
}

describe("through gateway, host and companion", () => {
  test("ssh gets output, errors and the exit status apart", async () => {
    await expect(ssh("echo out; echo err >&2; exit 7")).rejects.toMatchObject({
      code: 7,
      stdout: "out\n",
      stderr: "err\n",
    });
  });

  test("50 MB up and down at once come through whole", async () => {
    const sent = randomBytes(50_000_000);
    const child = spawn("ssh", ["-F", stack.sshConfig, "dev", "cat"], { stdio: ["pipe", "pipe", "inherit"] });
    const hash = createHash("sha256");
    child.stdout.on("data", (chunk) => hash.update(chunk));
    child.stdin.end(sent);
    expect((await once(child, "close"))[0]).toBe(0);
    expect(hash.digest("hex")).toBe(createHash("sha256").update(sent).digest("hex"));
  });

  test("rsync copies a tree of many files, and a second run has nothing to do", async ({ skip }) => {
    if (!has("rsync")) return skip("rsync is not installed");
    const from = join(directory, "tree");
    for (let i = 0; i < 300; i++) {
      mkdirSync(join(from, `d${i % 20}`), { recursive: true });
      writeFileSync(join(from, `d${i % 20}`, `f${i}`), randomBytes(i * 10));
    }
    const rsync = (...more: string[]) =>
      run("rsync", [
        "-a",
        "-i",
        "-e",
        `ssh -F ${stack.sshConfig}`,
        ...more,
        `${from}/`,
        `dev:${directory}/copy/`,
      ]);
    await rsync();
    expect((await run("diff", ["-r", from, join(directory, "copy")])).stdout).toBe("");
    expect((await rsync()).stdout).toBe("");
  });

  test("sshfs mounts the workspace's files", async ({ skip }) => {
    if (!has("sshfs") || !existsSync("/dev/fuse") || process.getuid?.() !== 0) {
      return skip("sshfs with /dev/fuse, as root, is not to be had");
    }
    const [shared, mount] = [join(directory, "shared"), join(directory, "mount")];
    mkdirSync(shared);
    mkdirSync(mount);
    writeFileSync(join(shared, "there"), "hello");
    const sshfs = spawn("sshfs", ["-f", "-F", stack.sshConfig, `dev:${shared}`, mount], { stdio: "ignore" });
    try {
      await expect.poll(() => readdirSync(mount)).toContain("there");
      writeFileSync(join(mount, "back"), randomBytes(3_000_000));
      expect(readFileSync(join(shared, "back")).equals(readFileSync(join(mount, "back")))).toBe(true);
    } finally {
      spawnSync("fusermount3", ["-u", mount]);
      spawnSync("umount", ["-l", mount]);
      if (sshfs.exitCode === null) await once(sshfs, "exit");
    }
  });

  test(
    "a reader that stops leaves the memory of all three flat, and gets everything when it goes on",
    LONG,
    async () => {
      const size = 300_000_000;
      const child = spawn("ssh", ["-F", stack.sshConfig, "dev", `head -c ${size} /dev/zero`], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      await once(child.stdout, "readable");
      const pids = [stack.gateway.program.pid, stack.host.pid];
      const before = pids.map(rss);
      // ssh reads on until its own buffers are full; then nothing moves any more.
      const gatewayBytes = (): number =>
        Number(readFileSync(`/proc/${pids[0]}/io`, "utf8").match(/wchar: (\d+)/)?.[1]);
      let last = -1;
      await expect
        .poll(
          () => {
            const now = gatewayBytes();
            const still = now === last;
            last = now;
            return still;
          },
          { interval: 300 },
        )
        .toBe(true);
      for (const [index, pid] of pids.entries()) expect(rss(pid) - (before[index] ?? 0)).toBeLessThan(60_000);
      let received = 0;
      child.stdout.on("data", (chunk: Buffer) => {
        received += chunk.length;
      });
      expect((await once(child, "close"))[0]).toBe(0);
      expect(received).toBe(size);
    },
  );

  test("a key that is added lets its owner in, and one that is removed ends the connection", async () => {
    const key = join(directory, "second");
    await run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", key]);
    const config = join(directory, "second_config");
    writeFileSync(
      config,
      readFileSync(stack.sshConfig, "utf8").replace(/IdentityFile .*/, `IdentityFile ${key}`),
    );
    const args = ["-F", config, "-o", "IdentityAgent=none"];
    await expect(run("ssh", [...args, "dev", "true"])).rejects.toMatchObject({
      stderr: expect.stringMatching(/denied/),
    });
    const token = readFileSync(stack.gateway.tokenFile, "utf8").trim();
    const gateway = parseGatewayUrl(stack.gateway.url);
    const api = gatewayApi(gateway, { token: parseAccessToken(token) });
    const { id } = await registerKeyFile(api, gateway, { path: key });
    await expect
      .poll(() => run("ssh", [...args, "dev", "echo in"]).then((r) => r.stdout, String))
      .toBe("in\n");
    const open = spawn("ssh", [...args, "dev", "echo up; sleep 600"], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    await once(open.stdout, "data");
    const exited = once(open, "exit");
    await api.removeKey(parseKeyId(id));
    await exited;
  });

  test("a tunnel on a local port serves clients that have no ProxyCommand", async () => {
    const tunnel = spawn(
      process.execPath,
      [CLI, "tunnel", "--json", "--listen", "127.0.0.1:0", stack.gateway.url, "dev"],
      {
        env: stack.env,
        stdio: ["ignore", "pipe", "inherit"],
      },
    );
    try {
      const [line] = await once(tunnel.stdout, "data");
      const { event, listen } = JSON.parse(String(line)) as { event: string; listen: string };
      expect(event).toBe("ready");
      const port = listen.split(":")[1] ?? "";
      const direct = [
        "-F",
        stack.sshConfig,
        "-o",
        "ProxyCommand=none",
        "-o",
        "HostName=127.0.0.1",
        "-p",
        port,
      ];
      expect((await run("ssh", [...direct, "dev", "echo through the port"])).stdout).toBe(
        "through the port\n",
      );
    } finally {
      tunnel.kill();
      await once(tunnel, "exit");
    }
  });

  test("sallyport ssh needs nothing but the sign-in", async () => {
    const { stdout } = await run(
      process.execPath,
      [CLI, "ssh", "-i", join(directory, "id_ed25519"), "dev", "--", "echo", "hi"],
      {
        env: stack.env,
      },
    );
    expect(stdout).toBe("hi\n");
  });

  test("the companion's failure is the line that ssh shows", async () => {
    const config = join(directory, "offline_config");
    writeFileSync(config, readFileSync(stack.sshConfig, "utf8").replace(/( tunnel \S+) dev/, "$1 nope"));
    await expect(run("ssh", ["-F", config, "dev", "true"])).rejects.toMatchObject({
      code: 255,
      stderr: expect.stringContaining("sallyport: workspace: There is no such workspace"),
    });
  });

  test("a second host with the same identity takes over; the first one says so and exits", async () => {
    const first = stack.host;
    const log = join(directory, "host.log");
    const second = await startHost({ directory, workspace: "dev" }, stack.gateway);
    try {
      await first.exited;
      expect(readFileSync(log, "utf8")).toMatch(
        /sallyport: workspace: Another host registered with the same identity/,
      );
      expect((await ssh("echo second")).stdout).toBe("second\n");
    } finally {
      await second.stop();
    }
  });
});
