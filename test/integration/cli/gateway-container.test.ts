// A gateway as containers run it: the first process of a process namespace, as a user id without an entry, with its options in
// variables, on a volume that belongs to root and to the user's group (fsGroup of Kubernetes).

import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CLI } from "../../../scripts/repository.ts";
import { freePort } from "../../support/loopback.ts";

const USER = 65_532;
const NAMESPACE = ["--pid", "--fork", "--kill-child", "--mount-proc"];
const AS_USER = ["setpriv", `--reuid=${USER}`, `--regid=${USER}`, "--clear-groups"];
const isRoot = process.getuid?.() === 0;
const mayUnshare = isRoot && spawnSync("unshare", [...NAMESPACE, "true"]).status === 0;

describe.skipIf(!mayUnshare)("a gateway in a container (skipped unless root may make namespaces)", () => {
  let volume: string;
  let data: string;
  let env: Record<string, string>;
  let running: ChildProcess | undefined;

  beforeAll(async () => {
    volume = mkdtempSync(join(tmpdir(), "sallyport-volume-"));
    execFileSync("chgrp", [String(USER), volume]);
    chmodSync(volume, 0o2775);
    data = join(volume, "gateway");
    env = {
      PATH: process.env.PATH ?? "",
      SALLYPORT_HTTP: `0.0.0.0:${await freePort()}`,
      SALLYPORT_DATA: data,
      SALLYPORT_NO_FIRST_TOKEN: "true",
    };
  });
  afterAll(() => {
    running?.kill("SIGKILL");
    rmSync(volume, { recursive: true, force: true });
  });

  function start(...more: string[]) {
    const command = [...NAMESPACE, ...AS_USER, process.execPath, CLI, "gateway", ...more];
    const child = spawn("unshare", command, { env, cwd: "/", stdio: ["ignore", "pipe", "pipe"] });
    running = child;
    let said = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (part: string) => {
        said += part;
      });
    }
    const ended = new Promise<number | null>((resolve) => child.once("exit", resolve));
    // unshare waits for its one child, which is process 1 inside.
    const first = () =>
      Number(readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, "utf8").trim().split(" ")[0]);
    return { ended, said: () => said, first };
  }

  function sallyport(before: readonly string[], ...args: string[]) {
    const [program = "", ...rest] = [...before, process.execPath, CLI, ...args];
    const { status, stdout, stderr } = spawnSync(program, rest, { env, encoding: "utf8" });
    return { status, stdout, stderr };
  }

  for (const [what, more] of [
    ["is ready by its own check, prints no token, and ends with 0 on SIGTERM", []],
    ["is so again on the same volume, with several processes", ["--workers", "2"]],
  ] as const) {
    test(what, async () => {
      const gateway = start(...more);
      await expect.poll(gateway.said, { timeout: 60_000 }).toContain("The gateway is ready at");
      expect(gateway.said()).not.toContain("spt_");
      expect(statSync(data).uid).toBe(USER);
      expect(sallyport(AS_USER, "gateway", "health")).toEqual({ status: 0, stdout: "", stderr: "" });
      expect(sallyport(AS_USER, "gateway", "admin-token").stdout).toMatch(/^spt_\w+\n$/);
      // Root's files would keep it from starting again.
      const { status, stderr } = sallyport([], "gateway", "admin-token");
      expect({ status, stderr }).toEqual({
        status: 1,
        stderr: expect.stringMatching(/uid 65532\): run this command as that user, with `sudo -u '#65532'`/),
      });
      const stopped = performance.now();
      process.kill(gateway.first(), "SIGTERM");
      expect(await gateway.ended).toBe(0);
      expect(performance.now() - stopped).toBeLessThan(30_000);
      expect(sallyport(AS_USER, "gateway", "health")).toMatchObject({ status: 1 });
    });
  }
});
