// How several workers start, and what remains where they do not.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { memoryOptions } from "../../../gateway/cluster/primary/worker-process.ts";
import { CLI } from "../../../scripts/repository.ts";
import { isRunning } from "./harness.ts";

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "sallyport-workers-start-"));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** Files that the gateway creates while it runs. */
const leftovers = () => readdirSync(directory).filter((name) => name.startsWith("sallyport-"));

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function gateway(...args: string[]): Promise<Ended & { pid: number | undefined }> {
  return gatewayWith({}, ...args);
}

async function gatewayWith(
  more: Record<string, string>,
  ...args: string[]
): Promise<Ended & { pid: number | undefined }> {
  const env = { PATH: process.env.PATH ?? "", HOME: directory, TMPDIR: directory, ...more };
  const command = ["gateway", "--data", join(directory, "data"), "--json", ...args];
  const child = spawn(process.execPath, [CLI, ...command], { env, stdio: ["ignore", "pipe", "pipe"] });
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (part: Buffer) => {
    stdout += part.toString();
    // It is ready, which is all that the test needs.
    child.kill("SIGTERM");
  });
  child.stderr.on("data", (part: Buffer) => {
    stderr += part.toString();
  });
  const [code] = await once(child, "close");
  return { code, stdout, stderr, pid: child.pid };
}

test("a port that is taken stops all processes, with one line that says so", async () => {
  const taken = createServer().listen(0, "127.0.0.1");
  await once(taken, "listening");
  const address = taken.address();
  const port = typeof address === "object" ? address?.port : undefined;
  const { code, stdout, stderr } = await gateway("--http", `127.0.0.1:${port}`, "--workers", "2");
  taken.close();
  expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  expect(stderr.split("\n").filter((line) => line.startsWith("sallyport: "))).toEqual([
    `sallyport: tcp: The gateway can't listen on 127.0.0.1:${port}: another program is using it.`,
  ]);
  expect(leftovers()).toEqual([]);
});

test("the first start prints one token and one ready line, and a later start prints no token", async () => {
  const first = await gateway("--http", "127.0.0.1:0", "--workers", "3", "--log-level", "info");
  expect(first.code).toBe(0);
  const ready = JSON.parse(first.stdout) as Record<string, unknown>;
  expect(ready).toMatchObject({ event: "ready", adminToken: expect.stringMatching(/^spt_/) });
  const pids = [...first.stderr.matchAll(/"pid":(\d+)/g)].map(([, pid]) => Number(pid));
  expect(pids).toHaveLength(3);
  expect([...pids, first.pid ?? 0].filter(isRunning)).toEqual([]);
  const second = await gateway("--http", "127.0.0.1:0", "--workers", "2");
  expect(JSON.parse(second.stdout)).not.toHaveProperty("adminToken");
  expect(leftovers()).toEqual([]);
});

test("workers get the primary's memory limits, but not what is preloaded into it", async () => {
  const [preload, seen] = [join(directory, "preload.cjs"), join(directory, "seen")];
  writeFileSync(preload, `require("node:fs").appendFileSync(${JSON.stringify(seen)}, process.pid + "\\n");`);
  const options = `--require ${preload} --max-old-space-size=123 --no-warnings`;
  const { code, pid, stderr } = await gatewayWith(
    { NODE_OPTIONS: options },
    ...["--http", "127.0.0.1:0", "--workers", "2", "--log-level", "info"],
  );
  expect(code, stderr).toBe(0);
  expect(readFileSync(seen, "utf8")).toBe(`${pid}\n`);
});

test.each([
  ["", ""],
  ["--require ./x.js --inspect=9229 --max-old-space-size=4096", "--max-old-space-size=4096"],
  [
    "--max_semi_space_size=64  --max-old-space-size-percentage=50",
    "--max_semi_space_size=64 --max-old-space-size-percentage=50",
  ],
  ["--max-old-space-size=1--require=./x.js", ""],
])("of %j a worker gets %j", (given, kept) => {
  expect(memoryOptions(given)).toBe(kept);
});
