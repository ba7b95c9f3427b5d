// What people do over a relayed connection, with the machine's own OpenSSH.

import { createHash, randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { listen } from "../../support/ssh/host-ssh.ts";
import { finish } from "../../support/ssh/ssh-client.ts";
import { until } from "../../support/until.ts";
import { type Chain, startChain } from "./harness.ts";

const sha256 = (data: Buffer) => createHash("sha256").update(data).digest("hex");

let chain: Chain;
beforeAll(async () => {
  chain = await startChain();
});
afterAll(() => chain.stop());

describe("a relayed connection", () => {
  test("runs a command with its input, both outputs and exit status", async () => {
    const { code, stdout, stderr } = await chain.ssh(["gw", "cat; echo oops >&2; exit 42"], "hello");
    expect([code, stdout.toString(), stderr]).toEqual([42, "hello", "oops\n"]);
  });

  test("ends with the byte counts of both directions and the reason", async () => {
    await chain.ssh(["gw", "cat"], "x".repeat(100_000));
    const end = await chain.relayed.at(-1)?.ended;
    expect(end?.reason).toMatch(/^the client (disconnected|left)/);
    expect(end?.bytesIn).toBeGreaterThan(100_000);
    expect(end?.bytesOut).toBeGreaterThan(100_000);
    expect(end?.bytesOut).toBeLessThan(110_000);
  });

  test("accepts commands as long as the host accepts them, and a longer one fails by itself", async () => {
    const words = (bytes: number) => [
      "echo",
      "in",
      ";:",
      "x".repeat(bytes / 2 - 8),
      "x".repeat(bytes / 2 - 8),
    ];
    expect(await chain.ssh(["gw", ...words(131_000)])).toMatchObject({
      code: 0,
      stdout: Buffer.from("in\n"),
    });
    const { code, stderr } = await chain.ssh(["gw", ...words(200_000)]);
    expect([code, stderr]).toEqual([1, expect.stringContaining("Argument list too long")]);
  });

  test("shows the client's own address to what it runs", async () => {
    const { stdout } = await chain.ssh(["gw", "echo $SSH_CONNECTION"]);
    expect(stdout.toString()).toMatch(/^192\.0\.2\.7 /);
  });

  test("gives a terminal", async () => {
    const { stdout } = await chain.ssh(["-tt", "gw", "tty; stty size"]);
    expect(stdout.toString()).toMatch(/^\/dev\/pts\/\d+/);
  });

  test("copies files", async () => {
    const data = randomBytes(3_000_000);
    writeFileSync(join(chain.directory, "from"), data);
    const child = chain.start("scp", [join(chain.directory, "from"), `gw:${join(chain.directory, "to")}`]);
    expect((await finish(child)).code).toBe(0);
    expect(sha256(readFileSync(join(chain.directory, "to")))).toBe(sha256(data));
  });

  test("forwards ports both ways", async () => {
    const echo = createServer((socket) => socket.pipe(socket));
    const port = await listen(echo);
    const free = createServer();
    const local = await listen(free);
    await new Promise((done) => free.close(done));
    // From here to the host and back, through both: -L to -R to the echo server.
    const child = chain.start("ssh", ["-R", `0:127.0.0.1:${port}`, "gw", "cat"]);
    let stderr = "";
    child.stderr?.on("data", (data: Buffer) => {
      stderr += data;
    });
    const remote = await until(() => /Allocated port (\d+)/.exec(stderr)?.[1]);
    const forward = chain.start("ssh", [
      "-L",
      `${local}:127.0.0.1:${remote}`,
      "-W",
      `127.0.0.1:${remote}`,
      "gw",
    ]);
    const { stdout } = await finish(forward, "there and back");
    expect(stdout.toString()).toBe("there and back");
    child.stdin?.end();
    await new Promise((done) => echo.close(done));
  });

  test("flushes all output before it ends", async () => {
    const data = randomBytes(8_000_000);
    writeFileSync(join(chain.directory, "large"), data);
    for (let round = 0; round < 3; round++) {
      const { code, stdout } = await chain.ssh(["gw", `cat ${join(chain.directory, "large")}; exit 3`]);
      expect([code, sha256(stdout)]).toEqual([3, sha256(data)]);
    }
  });

  test("keeps output that is sent after the end of the input", async () => {
    const { stdout } = await chain.ssh(["gw", "wc -c; echo and more"], "123");
    expect(stdout.toString()).toMatch(/^\s*3\nand more\n$/);
  });

  test("exchanges keys on both sides during a transfer, and loses nothing", async () => {
    const often = await startChain({
      host: { limits: { keyExchange: { bytes: 1_500_000, ageMs: 3_600_000 } } },
    });
    try {
      const data = randomBytes(60_000_000);
      let exchanges = 0;
      const ssh = often.start("ssh", ["-vv", "-o", "RekeyLimit=1M", "gw", "cat"]);
      ssh.stderr?.on("data", (text: Buffer) => {
        exchanges += text.toString().split("rekey in progress").length - 1;
        exchanges += text.toString().split("SSH2_MSG_KEXINIT received").length - 1;
      });
      const { code, stdout } = await finish(ssh, data);
      expect(code).toBe(0);
      expect(stdout.length).toBe(data.length);
      expect(sha256(stdout)).toBe(sha256(data));
      expect(exchanges).toBeGreaterThan(20);
    } finally {
      await often.stop();
    }
  });
});
