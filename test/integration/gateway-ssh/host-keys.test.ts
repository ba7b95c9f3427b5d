// The gateway's host keys: clients learn them before they are served, and `sallyport known-hosts` prints
// them.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { afterEach, beforeEach, expect, test } from "vitest";
import { command } from "../../../gateway/program/command.ts";
import { Person } from "../../support/cli.ts";
import { finished, SshStack, type TestAccount } from "../../support/ssh/gateway-ssh.ts";
import { until } from "../../support/until.ts";

let dataDir: string;
let stack: SshStack;
let ada: TestAccount;
let id: string;
let pins: string;

beforeEach(async () => {
  dataDir = mkdtempSync(join(tmpdir(), "gateway-keys-"));
  stack = await SshStack.start({ dataDir });
  ada = await stack.account("ada");
  id = await stack.keyOf(ada, "id");
  pins = join(dataDir, "pins");
  const [ed25519 = ""] = stack.gateway.hostKeys.publicKeys;
  writeFileSync(pins, `gateway ${ed25519}\n`);
});
afterEach(async () => {
  await stack.close();
  rmSync(dataDir, { recursive: true, force: true });
});

async function hostKeys(...args: string[]) {
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  const context = { env: {}, stdin: new PassThrough(), stdout, stderr, signal: new AbortController().signal };
  const code = await command.run(["host-keys", ...args, "--data", dataDir, "--json"], context);
  const text = (stream: PassThrough) => String(stream.read() ?? "");
  return { code, stdout: text(stdout), stderr: text(stderr) };
}

/** Restarts the gateway, and keeps the client's key. */
async function restarted() {
  const key = readFileSync(id);
  await stack.close();
  stack = await SshStack.start({ dataDir });
  id = stack.path("id");
  writeFileSync(id, key, { mode: 0o600 });
  // It is also the same host: one with a different key would wait for the owner's decision.
  await stack.host(ada, "dev", ["--state", join(dataDir, "dev")]);
}

/** Arguments for an ssh that updates its own known_hosts file. */
const updating = (...args: string[]) => [
  ...["-o", "HostKeyAlias=gateway", "-o", `UserKnownHostsFile=${pins}`, "-o", "UpdateHostKeys=yes"],
  ...["-i", id, ...args],
];
const ssh = (...args: string[]) => stack.ssh(updating(...args));

/** A session that lasts until these keys are pinned. */
async function learns(keys: readonly string[], ...args: string[]): Promise<void> {
  const child = stack.start(updating(...args, "echo in; exec cat"));
  const wanted = [...keys].sort().join();
  await until(() => pinned().sort().join() === wanted);
  expect(await finished(child)).toMatchObject({ stdout: "in\n", code: 0 });
}

const pinned = () =>
  readFileSync(pins, "utf8")
    .split("\n")
    .filter((line) => line.startsWith("gateway "))
    .map((line) => line.slice("gateway ".length));

test("the next keys are learned while the old ones are served, and are then served without a question", async () => {
  const old = stack.gateway.hostKeys.publicKeys;
  const rotated = await hostKeys("rotate");
  expect(rotated.code).toBe(0);
  const again = await hostKeys("rotate");
  expect(again).toMatchObject({ code: 1 });
  expect(again.stderr).toContain("--activate");

  await restarted();
  expect(stack.gateway.hostKeys.publicKeys).toEqual(old);
  const next = stack.gateway.hostKeys.next?.publicKeys ?? [];
  expect(next).toHaveLength(3);
  const discovery: unknown = await (await fetch(`${stack.gateway.httpUrl}/.well-known/sallyport`)).json();
  expect(discovery).toMatchObject({ hostKeys: [...old, ...next] });
  // Over a relayed connection, with a request to the host that is answered in between.
  await learns([...old, ...next], "-R", "0:127.0.0.1:9", "dev@gw");

  expect((await hostKeys("rotate", "--activate")).code).toBe(0);
  await restarted();
  expect(stack.gateway.hostKeys.publicKeys).toEqual(next);
  const entered = await ssh("-o", "HostKeyAlgorithms=ssh-ed25519", "dev@gw", "echo in");
  expect(entered).toMatchObject({ stdout: "in\n", code: 0 });

  expect((await hostKeys("rotate", "--forget-former")).code).toBe(0);
  await restarted();
  await learns(next, "dev@gw");
});

test("a connection that only jumps learns them, too", async () => {
  await hostKeys("rotate");
  await restarted();
  const child = await ssh(
    "-o",
    "RemoteCommand=none",
    "-N",
    "-o",
    "ServerAliveInterval=1",
    "-L",
    "0:x:1",
    "gw",
  );
  expect(child.code).not.toBe(0);
  const jump = stack.start(updating("-N", "gw"));
  await until(() => pinned().length === 6);
  jump.kill();
});

test("known-hosts prints lines that ssh accepts for the gateway", async () => {
  const person = new Person();
  try {
    const result = await person.run(["known-hosts", stack.gateway.httpUrl]);
    expect(result).toMatchObject({ code: 0, stderr: "" });
    expect(result.stdout).toBe(stack.pins(stack.gateway.hostKeys.publicKeys));
    writeFileSync(pins, result.stdout);
    const found = execFileSync("ssh-keygen", ["-F", `[127.0.0.1]:${stack.port}`, "-f", pins]);
    expect(found.toString()).toContain("ssh-ed25519");
    await stack.host(ada, "dev");
    const entered = await stack.ssh(["-o", `UserKnownHostsFile=${pins}`, "-i", id, "dev@gw", "echo in"]);
    expect(entered.stdout).toBe("in\n");
  } finally {
    person.close();
  }
});
