import { existsSync, readdirSync, readlinkSync } from "node:fs";
import { createRequire } from "node:module";
import { text } from "node:stream/consumers";
import { describe, expect, test } from "vitest";
import { PipeStock } from "../../../../../../agent/host/ssh/prelude/anonymous-pipes.ts";
import {
  type PreludeShell,
  preludeShell,
  withoutBash,
} from "../../../../../../agent/host/ssh/prelude/prelude-shell.ts";
import { ptyBinding } from "../../../../../../agent/host/ssh/session/node-pty-private.ts";
import { startWithPipes } from "../../../../../../agent/host/ssh/session/pipe-process.ts";
import { startOnPty } from "../../../../../../agent/host/ssh/session/pty-process.ts";

const spec = (script: string, environment: Record<string, string> = {}) => ({
  file: "/bin/sh",
  argv0: "sh",
  args: ["-c", script],
  environment: { PATH: process.env.PATH ?? "", TERM: "dumb", ...environment },
  cwd: "/",
  openFiles: undefined,
});
const terminal = { columns: 80, rows: 24, modes: [] };
const later = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe("node-pty", () => {
  test("is the version whose binding we have read", () => {
    const require = createRequire(import.meta.url);
    expect(require("@lydell/node-pty/package.json").version).toBe("1.1.0");
    expect(typeof ptyBinding().fork).toBe("function");
  });
});

describe("a process on a PTY", () => {
  test("keeps its last output for as long as nobody reads it", async () => {
    const running = startOnPty(spec("head -c 3000 /dev/zero; exit 4"), terminal);
    running.output.pause();
    expect(await running.exited).toEqual({ code: 4, signal: undefined });
    // node-pty by itself would have closed the terminal by now.
    await later(500);
    let length = 0;
    running.output.on("data", (data: Buffer) => {
      length += data.length;
    });
    running.output.resume();
    await new Promise((resolve) => running.output.once("close", resolve));
    expect(length).toBe(3000);
  });

  test("takes input after its end, and loses no output by it", async () => {
    const running = startOnPty(spec("stty -echo; head -c 3000 /dev/zero"), terminal);
    running.output.pause();
    await running.exited;
    await new Promise((resolve) => running.input.write("too late", resolve));
    let length = 0;
    running.output.on("data", (data: Buffer) => {
      length += data.length;
    });
    running.output.resume();
    await new Promise((resolve) => running.output.once("close", resolve));
    expect(length).toBe(3000);
  });

  test("says which signal ended it", async () => {
    const running = startOnPty(spec("kill -TERM $$"), terminal);
    running.output.resume();
    expect((await running.exited).signal).toBe("SIGTERM");
  });

  const shells: [string, string, () => PreludeShell][] = [
    ["bash", "/bin/bash", () => preludeShell("/bin/bash")],
    ["dash", "/bin/dash", () => withoutBash("/bin/dash")],
    ["busybox", "/bin/busybox", () => withoutBash("/bin/busybox", "sh")],
  ];
  test.each(shells)(
    "inherits no descriptor of the host, such as other terminals, when %s starts it",
    async (_, path, way) => {
      if (!existsSync(path)) return console.warn(`skipped: ${path} is not installed`);
      // More than the descriptors of one digit, which every shell could close.
      const others = Array.from({ length: 12 }, () => startOnPty(spec("sleep 60"), terminal));
      for (const { output } of others) output.resume();
      const stock = new PipeStock();
      // With these, a shell that obeys them finds nothing to close.
      const steering = { GLOBIGNORE: "/proc/self/fd/*:/dev/fd/*", SHELLOPTS: "noglob" };
      const onPty = startOnPty(spec("ls /proc/self/fd/", steering), terminal, way());
      let shown = "";
      onPty.output.on("data", (data: Buffer) => {
        shown += data.toString();
      });
      const closed = new Promise((resolve) => onPty.output.once("close", resolve));
      const onPipes = await startWithPipes(spec("ls /proc/self/fd/", steering), stock, way());
      onPipes.errors?.resume();
      // The listing's own descriptor is the fourth.
      expect((await text(onPipes.output)).trim().split(/\s+/)).toEqual(["0", "1", "2", "3"]);
      await closed;
      expect(shown.trim().split(/\s+/)).toEqual(["0", "1", "2", "3"]);
      for (const other of others) other.hangUp();
      await Promise.all(others.map(({ exited }) => exited));
      stock.close();
    },
  );

  test("leaves no descriptor behind", async () => {
    const count = () =>
      readdirSync("/proc/self/fd")
        .map((fd) => link(fd))
        .filter((name) => /ptmx/.test(name)).length;
    const before = count();
    for (let round = 0; round < 5; round++) {
      const running = startOnPty(spec("echo x"), terminal);
      running.output.resume();
      await Promise.all([running.exited, new Promise((resolve) => running.output.once("close", resolve))]);
    }
    expect(count()).toBe(before);
  });
});

function link(fd: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    // The descriptor that listed the others is gone.
    return "";
  }
}
