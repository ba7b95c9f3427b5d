// What happens to clients that signed in at the gateway's SSH port with a user certificate when the
// workspace's link is cut for a moment.

import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import ssh2 from "ssh2";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { expiryOf, parseCertificate } from "../../../protocol/ssh/certificate.ts";
import { parseName } from "../../../protocol/values/name.ts";
import { acceptedShare } from "../../support/accepted-share.ts";
import { CutProxy } from "../../support/cut-proxy.ts";
import { finished, SshStack, type TestAccount, type TestHost } from "../../support/ssh/gateway-ssh.ts";
import { until } from "../../support/until.ts";
import { PATIENT } from "./admission-limits.ts";

const admin = { account: "admin" };
let authority: string;
let stack: SshStack;
let far: CutProxy;
let cara: TestAccount;
let host: TestHost;

beforeAll(async () => {
  authority = mkdtempSync(join(tmpdir(), "gateway-ssh-ca-"));
  execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", join(authority, "ca")]);
  const args = ["--user-ca", join(authority, "ca.pub")];
  stack = await SshStack.start({ args, limits: { admission: PATIENT } });
  far = await CutProxy.start(Number(new URL(stack.gateway.httpUrl).port));
  cara = await stack.account("cara");
  host = await stack.host(cara, "box", [], [], far.url);
});
afterAll(async () => {
  await stack?.close();
  await far?.close();
  rmSync(authority, { recursive: true, force: true });
});

/**
 * Makes a key that no account has registered, and a certificate for an account. ssh uses them from now on.
 * @returns the path of the certificate
 */
function certify(name: string, account: string, lasts: string): string {
  const key = stack.key(name);
  const ca = join(authority, "ca");
  execFileSync("ssh-keygen", ["-q", "-s", ca, "-I", name, "-n", account, "-V", `-1m:${lasts}`, `${key}.pub`]);
  stack.configure(["Host *", `  IdentityFile ${key}`, `  CertificateFile ${key}-cert.pub`]);
  return `${key}-cert.pub`;
}

/** Starts a session that prints `up`, and answers one line. */
async function session(args: readonly string[]) {
  const child = stack.start([...args, 'echo up; read line; echo "got $line"; exit 7']);
  let said = "";
  child.stdout?.on("data", (data: Buffer) => {
    said += data.toString();
  });
  const closed = new Promise((resolve) => child.once("close", resolve));
  let errors = "";
  child.stderr?.on("data", (data: Buffer) => {
    errors += data.toString();
  });
  await Promise.race([until(() => said.includes("up")), closed]);
  return {
    ended: closed,
    say: (line: string) => child.stdin?.end(`${line}\n`),
    said: () => said,
    errors: () => errors,
  };
}

const registrations = () => host.log.filter((line) => line.includes("the link is up again")).length;

async function cutLink(): Promise<void> {
  const before = registrations();
  far.reset();
  await until(() => registrations() > before);
}

test.each([
  ["a session", ["box@gw"]],
  ["a jump", ["-J", "gw", "box"]],
])("%s goes on after the workspace's link was cut, twice", async (what, args) => {
  certify(`outlives-${what.replace(" ", "-")}`, "cara", "+10m");
  const { said, say, ended, errors } = await session(args);
  await cutLink();
  await cutLink();
  say("it");
  expect({ code: await ended, said: said(), errors: errors() }).toEqual({
    code: 7,
    said: "up\ngot it\n",
    errors: "",
  });
  // The key is no longer lent once its connection is gone.
  await until(() => stack.gateway.registry.lentKeys.of(host.id).length === 0);
});

test.each([
  ["a session", ["box@gw"]],
  ["a jump", ["-J", "gw", "box"]],
])("%s that comes while the link is cut waits for the workspace", async (what, args) => {
  certify(`waits-${what.replace(" ", "-")}`, "cara", "+10m");
  const before = registrations();
  far.holding = true;
  far.reset();
  await until(() => stack.gateway.registry.online(host.id) === undefined);
  const child = stack.start(["-v", ...args, "echo in"]);
  let log = "";
  child.stderr?.on("data", (data: Buffer) => {
    log += data.toString();
  });
  const waiting = finished(child);
  // A session waits during the sign-in, a jump after it.
  await until(() => log.includes("Server accepts key"));
  far.release();
  expect(await waiting).toMatchObject({ stdout: "in\n", code: 0 });
  expect(registrations()).toBeGreaterThan(before);
});

test("a client that only knows a public key is refused as ever, and does not learn of the cut", async () => {
  const key = await stack.keyOf(cara, "known");
  const publicKey = ssh2.utils.parseKey(readFileSync(`${key}.pub`));
  if (publicKey instanceof Error) throw publicKey;
  let hasSigned = false;
  class Forger extends ssh2.BaseAgent {
    override getIdentities(done: ssh2.IdentityCallback<ssh2.ParsedKey>): void {
      done(undefined, [publicKey as ssh2.ParsedKey]);
    }
    override sign(...args: unknown[]): void {
      hasSigned = true;
      const done = args.findLast((arg) => typeof arg === "function");
      if (typeof done === "function") done(undefined, Buffer.alloc(64, 1));
    }
  }
  const before = registrations();
  far.holding = true;
  far.reset();
  await until(() => stack.gateway.registry.online(host.id) === undefined);
  const found = vi.spyOn(stack.gateway.registry, "findForClient");
  const client = new ssh2.Client();
  const failed = once(client, "error");
  const agent = new Forger();
  client.connect({ host: "127.0.0.1", port: stack.port, username: "box", agent, authHandler: ["agent"] });
  expect(String((await failed)[0])).toContain("authentication methods failed");
  // It was looked up as always, without waiting for the workspace.
  const waits = found.mock.calls.map(([, signal]) => signal !== undefined);
  found.mockRestore();
  expect(new Set(waits)).toEqual(new Set([false]));
  expect(hasSigned).toBe(true);
  far.release();
  await until(() => registrations() > before);
});

test("a session by a certificate that has expired since ends when the workspace's link is cut", async () => {
  const [, certificate = ""] = readFileSync(certify("expires", "cara", "+15s"), "utf8").split(" ");
  const expiry = expiryOf(parseCertificate(Buffer.from(certificate, "base64"))) ?? Number.NaN;
  const { said, ended } = await session(["box@gw"]);
  expect(said()).toBe("up\n");
  await until(() => Date.now() > expiry, 60_000);
  await cutLink();
  expect(await ended).toBe(255);
  expect(host.log.join("\n")).toContain("is no longer allowed");
});

test("removing a share ends its sessions also after a cut, and its keys are no longer lent", async () => {
  await stack.account("dora");
  const owned = await stack.owned(cara, "box");
  await acceptedShare(stack.gateway.store, owned, "dora");
  certify("shared", "dora", "+10m");
  const direct = await session(["box.cara@gw"]);
  const jump = await session(["-J", "gw", host.id]);
  await cutLink();
  expect(stack.gateway.registry.lentKeys.of(host.id).length).toBe(2);
  await stack.gateway.store.shares.remove(owned, parseName("dora"), admin);
  expect(await direct.ended).toBe(255);
  expect(direct.errors()).toContain("the workspace is no longer shared");
  expect(await jump.ended).toBe(255);
  expect(stack.gateway.registry.lentKeys.of(host.id)).toEqual([]);
});
