// Two workers, while a workspace's link is cut and comes back on either of them.

import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { CutProxy } from "../../support/cut-proxy.ts";
import { callApi, type Stack, startStack } from "../../support/stack.ts";
import { logOf } from "./harness.ts";

const TRIES = 12;
let directory: string;
let stack: Stack;
let far: CutProxy;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "sallyport-workers-cuts-"));
  execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", join(directory, "ca")]);
  execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", join(directory, "certified")]);
  const certificate = ["-I", "x", "-n", "admin", "-V", "-1m:+10m", join(directory, "certified.pub")];
  execFileSync("ssh-keygen", ["-q", "-s", join(directory, "ca"), ...certificate]);
  stack = await startStack({
    directory,
    workspace: "dev",
    gatewayArgs: ["--http", "127.0.0.1:0", "--workers", "2", "--user-ca", join(directory, "ca.pub")],
    reach: async ({ url }) => {
      far = await CutProxy.start(Number(new URL(url).port));
      return { host: far.url, companion: url };
    },
  });
});
afterAll(async () => {
  await stack?.stop();
  await far?.close();
  rmSync(directory, { recursive: true, force: true });
});

/** Runs ssh with the stack's configuration; `log` is its debug log. */
function startSsh(args: readonly string[]) {
  const child = spawn("ssh", ["-F", stack.sshConfig, "-v", ...args]);
  let [said, log] = ["", ""];
  child.stdout.on("data", (data) => {
    said += String(data);
  });
  child.stderr.on("data", (data) => {
    log += String(data);
  });
  return {
    said: () => said,
    log: () => log,
    type: (text: string) => child.stdin.end(text),
    ended: once(child, "close").then(([code]) => ({ code, said })),
  };
}

/** The worker that got the link, for each registration. */
const registered = (): unknown[] =>
  logOf(directory)
    .filter(({ audit }) => audit === "link.registered")
    .map(({ worker }) => worker);
const upAgain = () => readFileSync(join(directory, "host.log"), "utf8").split("the link is up again").length;

test("a session by user certificate goes on, at either worker that the host comes back to", async () => {
  const key = join(directory, "certified");
  // In place of the key in the configuration, which is a registered one.
  const own = ["-o", "IdentityFile=none", "-i", key, "-o", `CertificateFile=${key}-cert.pub`];
  const ssh = startSsh([...own, "dev-direct", 'echo up; read line; echo "got $line"; exit 7']);
  await vi.waitUntil(() => ssh.said().includes("up"), { timeout: 20_000 });
  expect(ssh.log()).toContain("certified-cert.pub");
  const seen = new Set<unknown>();
  for (let i = 0; i < TRIES && seen.size < 2; i++) {
    const [before, registrations] = [upAgain(), registered().length];
    far.reset();
    if (i % 2 === 1) await fetch(`${stack.gateway.url}/healthz`, { headers: { connection: "close" } });
    await vi.waitUntil(() => upAgain() > before && registered().length > registrations, { timeout: 20_000 });
    seen.add(registered().at(-1));
  }
  expect(seen).toEqual(new Set([0, 1]));
  ssh.type("it\n");
  expect(await ssh.ended).toEqual({ code: 7, said: "up\ngot it\n" });
});

test("a client that comes during the cut waits for the workspace, on either worker", async () => {
  const opened = () => logOf(directory).filter(({ audit }) => audit === "ssh.session.opened");
  const before = opened().length;
  const workers = () =>
    new Set(
      opened()
        .slice(before)
        .map(({ worker }) => worker),
    );
  const isOnline = async (): Promise<unknown> =>
    Object(await (await callApi(stack.gateway, "workspaces/dev")).json()).online;
  for (let i = 0; i < TRIES && workers().size < 2; i++) {
    far.holding = true;
    far.reset();
    // Both workers are asked.
    for (let asked = 0; asked < 2; asked++) await expect.poll(isOnline).toBe(false);
    const ssh = startSsh(["dev-direct", "echo out"]);
    await vi.waitUntil(() => ssh.log().includes("Server accepts key"), { timeout: 20_000 });
    far.release();
    expect(await ssh.ended).toEqual({ code: 0, said: "out\n" });
    if (i % 2 === 1) await fetch(`${stack.gateway.url}/healthz`, { headers: { connection: "close" } });
  }
  expect(workers()).toEqual(new Set([0, 1]));
});
