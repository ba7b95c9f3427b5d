// Commands and variables as long as sshd takes them, and what happens with longer ones: they fail alone.

import type { ChildProcess } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Host, startHost } from "../../support/ssh/host-ssh.ts";
import { until } from "../../support/until.ts";

let host: Host;
beforeAll(async () => {
  host = await startHost();
});
afterAll(() => host.stop());

/** Linux takes this much in one argument; other systems only bound all arguments together. */
const LONGEST = 131_071;
const IS_LINUX = process.platform === "linux";

/** A command of this many bytes, in arguments that each fit into one of ssh's own. */
function command(bytes: number): string[] {
  const words = ["echo", "in", ";:"];
  let left = bytes - words.join(" ").length;
  for (; left > 100_000; left -= 100_000) words.push("x".repeat(99_999));
  if (left > 0) words.push("x".repeat(left - 1));
  return words;
}

describe("a command", () => {
  test.each([1_000, 34_000, 36_000, 100_000, LONGEST])("of %d bytes runs", async (bytes) => {
    const { code, stdout, stderr } = await host.ssh(["ws", ...command(bytes)]);
    expect([code, stdout.toString(), stderr]).toEqual([0, "in\n", ""]);
  });

  test.each(["chacha20-poly1305@openssh.com", "aes256-ctr"])(
    "of 100,000 bytes runs under %s",
    async (cipher) => {
      const { code, stdout } = await host.ssh([
        "-c",
        cipher,
        "-m",
        "hmac-sha2-256",
        "ws",
        ...command(100_000),
      ]);
      expect([code, stdout.toString()]).toEqual([0, "in\n"]);
    },
  );

  test.runIf(IS_LINUX).each([LONGEST + 1, 200_000, 600_000])(
    "of %d bytes fails with the reason, and as under sshd with status 1",
    async (bytes) => {
      const { code, stderr } = await host.ssh(["ws", ...command(bytes)]);
      expect([code, stderr]).toEqual([
        1,
        expect.stringMatching(new RegExp(`Argument list too long: the command has ${bytes} bytes`)),
      ]);
    },
  );
});

describe("a packet that is longer than any command", () => {
  test("ends the connection with the reason", async () => {
    const { code, stderr } = await host.ssh(["ws", ...command(1_200_000)]);
    expect([code, stderr]).toEqual([
      255,
      expect.stringMatching(/A packet of 1200\d+ bytes exceeds the limit of 1048576/),
    ]);
  });
});

describe("a variable", () => {
  /** Set in ssh's configuration, since ssh's own arguments and variables are bounded as well. */
  const withVariables = (...sizes: number[]) => {
    const path = join(host.directory, "long-config");
    const words = sizes.map((size, index) => `LONG${index}=${"v".repeat(size)}`);
    writeFileSync(path, `Host ws\n  SetEnv ${words.join(" ")}\nInclude ${join(host.directory, "config")}\n`);
    return ["-F", path];
  };
  const show = ["ws", "printf %s $LONG0 | wc -c"];

  test.each([32_000, 36_000, 100_000, LONGEST - "LONG0=".length])("of %d bytes arrives", async (bytes) => {
    const { code, stdout, stderr } = await host.ssh([...withVariables(bytes), ...show]);
    expect([code, Number(stdout.toString()), stderr]).toEqual([0, bytes, ""]);
  });

  test.runIf(IS_LINUX)(
    "that no program could have keeps the session from starting, with the reason",
    async () => {
      const { code, stderr } = await host.ssh([...withVariables(LONGEST - 5), ...show]);
      expect([code, stderr]).toEqual([1, expect.stringContaining("Argument list too long: LONG0 has")]);
    },
  );

  test("keeps the session from starting where all together are too many, with the reason", async () => {
    const sizes = Array.from({ length: 11 }, () => 100_000);
    const { code, stderr } = await host.ssh([...withVariables(...sizes), ...show]);
    expect([code, stderr]).toEqual([1, expect.stringContaining("Argument list too long: the variables")]);
  });
});

describe("on a connection that several sessions share", () => {
  let socket: string;
  let first: ChildProcess;
  let output = "";
  let errors = "";
  beforeAll(async () => {
    socket = join(host.directory, "control");
    first = host.start(["-M", "-S", socket, "ws", "cat"]);
    first.stdout?.on("data", (data: Buffer) => {
      output += data.toString();
    });
    first.stderr?.on("data", (data: Buffer) => {
      errors += data.toString();
    });
    await until(() => existsSync(socket));
  });
  const another = (...args: string[]) => host.ssh(["-S", socket, "-o", "ControlMaster=no", ...args]);

  test.runIf(IS_LINUX)("what is too long fails alone", async () => {
    expect((await another("ws", ...command(200_000))).code).toBe(1);
    const forward = ["-O", "forward", "-R", `${"r".repeat(2_000)}:0:127.0.0.1:1`];
    expect((await another(...forward, "ws")).code).not.toBe(0);
    expect((await another("-W", `${"h".repeat(500)}:1`, "ws")).code).not.toBe(0);
    await until(() => errors.includes("where 255 are allowed"));
    expect((await another("ws", "echo in")).stdout.toString()).toBe("in\n");
    first.stdin?.write("still here\n");
    await until(() => output === "still here\n");
  });
});
