import { spawn, spawnSync } from "node:child_process";
import {
  closeSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  writeSync,
} from "node:fs";
import { buildSync } from "esbuild";
import { afterEach, describe, expect, test } from "vitest";
import {
  closePipe,
  makerCommand,
  type Pipe,
  PipeStock,
} from "../../../../../../agent/host/ssh/prelude/anonymous-pipes.ts";
import { withoutBash } from "../../../../../../agent/host/ssh/prelude/prelude-shell.ts";

let stock: PipeStock;
const taken: Pipe[] = [];
afterEach(() => {
  stock.close();
  for (const pipe of taken.splice(0)) closePipe(pipe);
});

async function take(count: number): Promise<Pipe[]> {
  const pipes = await stock.take(count);
  if (pipes === undefined) throw new Error("There are no pipes.");
  taken.push(...pipes);
  return pipes;
}

/** The number of descriptors of pipes, Node's own included. */
const open = () =>
  readdirSync("/proc/self/fd").filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith("pipe:");
    } catch {
      // The descriptor that listed the others is gone.
      return false;
    }
  }).length;

const SHELLS: readonly (readonly [string, string, ...string[]])[] = [
  ["bash", "/bin/bash"],
  ["dash", "/bin/dash"],
  ["busybox", "/bin/busybox", "sh"],
];

describe.skipIf(process.platform !== "linux")("anonymous pipes (Linux)", () => {
  test("carry bytes, end with their writer, and open again after that without a wait", async () => {
    stock = new PipeStock();
    const [pipe] = await take(1);
    if (pipe === undefined) return expect.unreachable();
    writeSync(pipe.write, "some bytes");
    const again = openSync(`/proc/self/fd/${pipe.read}`, "r");
    closeSync(pipe.write);
    const buffer = Buffer.alloc(20);
    expect(readSync(pipe.read, buffer)).toBe(10);
    expect(readSync(again, buffer)).toBe(0);
    // A named pipe would wait here for a writer, for ever.
    const late = openSync(`/proc/self/fd/${pipe.read}`, "r");
    expect(readSync(late, buffer)).toBe(0);
    for (const fd of [again, late, pipe.read]) closeSync(fd);
    taken.length = 0;
  });

  test("are given to all callers at once, each pipe to one of them", async () => {
    stock = new PipeStock();
    const sets = await Promise.all(Array.from({ length: 12 }, () => take(3)));
    const inodes = sets.flat().map(({ read }) => readlinkSync(`/proc/self/fd/${read}`));
    expect(new Set(inodes).size).toBe(36);
    for (const { read, write } of sets.flat()) {
      expect(readlinkSync(`/proc/self/fd/${write}`)).toBe(readlinkSync(`/proc/self/fd/${read}`));
    }
  });

  test("are marked, so that no process inherits them", async () => {
    stock = new PipeStock();
    const [pipe] = await take(1);
    for (const fd of [pipe?.read, pipe?.write]) {
      const flags = /^flags:\s*([0-7]+)/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, "utf8"))?.[1] ?? "0";
      expect(Number.parseInt(flags, 8) & 0o2000000).toBe(0o2000000);
    }
  });

  test("are all closed with the stock, including those that are still being made", async () => {
    stock = new PipeStock();
    const before = open();
    stock.fill();
    const none = stock.take(3);
    stock.close();
    expect(await none).toBeUndefined();
    await expect.poll(open).toBe(before);
    expect(await stock.take(1)).toBeUndefined();
  });

  test.each(SHELLS)("are made by a %s that holds nothing of other sessions", async (_, path, ...options) => {
    if (!existsSync(path)) return console.warn(`skipped: ${path} is not installed`);
    const found = withoutBash(path, ...options);
    const [file, args] = makerCommand(found);
    // Like a session's terminal: a descriptor that is not close-on-exec.
    const unmarked = openSync("/dev/null", "r");
    const stdio = ["pipe", "pipe", "ignore", ...Array<number>(10).fill(unmarked)] as const;
    const maker = spawn(file, args, { env: found.environment, stdio: [...stdio] });
    const pid = await new Promise<string>((resolve, reject) => {
      maker.once("error", reject);
      maker.stdout?.once("data", (data) => resolve(String(data).trim()));
    });
    const links = (from: number) =>
      readdirSync(`/proc/${pid}/fd`)
        .filter((fd) => Number(fd) >= from)
        .map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`).replace(/\d+/, ""));
    // Six pipes, and the maker's input, which it may hold twice.
    expect(new Set(links(3).filter((link) => !link.startsWith("socket:")))).toEqual(new Set(["pipe:[]"]));
    maker.stdin?.end();
    closeSync(unmarked);
  });

  test("are only missing, and nothing fails, where the host has no descriptors left", () => {
    const { outputFiles } = buildSync({
      stdin: { contents: WITHOUT_DESCRIPTORS, resolveDir: process.cwd() },
      bundle: true,
      platform: "node",
      format: "cjs",
      write: false,
    });
    const { stdout, stderr } = spawnSync("sh", ["-c", 'ulimit -n 60; exec "$0" -', process.execPath], {
      input: outputFiles[0]?.text ?? "",
      encoding: "utf8",
    });
    expect({ stdout, stderr }).toEqual({ stdout: "undefined\n", stderr: "" });
  });
});

/** Node reports the failure in a later turn, so the program must still be running then. */
const WITHOUT_DESCRIPTORS = `
  import { openSync } from "node:fs";
  import { PipeStock } from "./agent/host/ssh/prelude/anonymous-pipes.ts";
  const stock = new PipeStock();
  try { for (;;) openSync("/dev/null"); } catch {}
  stock.take(3).then((pipes) => setImmediate(() => console.log(pipes)));
`;
