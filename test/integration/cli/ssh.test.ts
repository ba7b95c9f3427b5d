// The system's own ssh, started by `sallyport ssh`, through a real gateway and the companion to a real SSH server.

import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loadIdentity } from "../../../agent/host/identity.ts";
import { Person } from "../../support/cli.ts";
import { TestStack } from "../../support/link.ts";
import { echoingSshServer } from "../../support/ssh/echoing-ssh-server.ts";
import type { TestHost } from "../../support/test-host.ts";

let stack: TestStack;
let person: Person;
let token: string;
let hostKeys: string[];
let key: string;

beforeAll(async () => {
  stack = await TestStack.start();
  person = new Person();
  const account = await stack.account("ada");
  token = (await stack.token(account, ["account", "connect", "host"])).token;
  const state = join(person.home, "host state");
  const identity = await loadIdentity(state);
  hostKeys = [identity, ...identity.furtherKeys].map(
    ({ publicKey }) => `${publicKey.type} ${publicKey.blob}`,
  );
  await stack.host({ token, name: "web", state, onStream: echoingSshServer(identity.privateKey) });
  key = join(person.home, "id_ed25519");
  execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", key]);
  await person.run(["login", stack.url], token);
});
afterAll(async () => {
  person.close();
  await stack.close();
});

const OPTIONS = () => ["-F", "none", "-i", key, "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes", "-T"];

describe("sallyport ssh", () => {
  test("runs a command with standard input, and ends with its status", async () => {
    const { code, stdout } = await person.run(
      ["ssh", ...OPTIONS(), "web", "--", "cat", "-n", "it's"],
      "hello",
    );
    expect({ code, stdout }).toEqual({ code: 7, stdout: "<cat -n it's>hello" });
  });

  test("pins the published host keys, for itself only, in a file of its own", async () => {
    await person.run(["ssh", ...OPTIONS(), "web", "true"]);
    const text = readFileSync(join(person.home, ".config/sallyport/known_hosts"), "utf8");
    const port = new URL(stack.url).port;
    expect(hostKeys).toHaveLength(3);
    expect(text).toBe(hostKeys.map((hostKey) => `web.ada.127.0.0.1-${port} ${hostKey}\n`).join(""));
    expect(() => readFileSync(join(person.home, ".ssh/known_hosts"))).toThrow(/ENOENT/);
  });

  test("does not connect to a host whose key is not the pinned one", async () => {
    const state = join(person.home, "impostor");
    const impostor = await loadIdentity(join(person.home, "other key"));
    const other = await stack.host({
      token,
      name: "fake",
      state,
      onStream: echoingSshServer(impostor.privateKey),
    });
    const { code, stdout, stderr } = await person.run(["ssh", ...OPTIONS(), "fake", "true"]);
    await other.stop();
    expect(code).toBe(255);
    expect(stdout).toBe("");
    expect(stderr).toMatch(/host key verification failed/i);
  });

  test("does not take another key that the gateway publishes later, until the person says so", async () => {
    const host = (directory: string) => ({ token, name: "moved", state: join(person.home, directory) });
    const run = (...more: string[]) => person.run(["ssh", ...OPTIONS(), ...more, "moved", "true"]);
    const known = () => readFileSync(join(person.home, ".config/sallyport/known_hosts"), "utf8");
    const [first, second] = await Promise.all(
      ["moved-1", "moved-2"].map((directory) => loadIdentity(join(person.home, directory))),
    );
    if (first === undefined || second === undefined) throw new Error("no identities");
    const one = await stack.host({ ...host("moved-1"), onStream: echoingSshServer(first.privateKey) });
    expect((await run()).code).toBe(7);
    await one.stop();
    const accepted = ["workspace", "host-key", "moved", "--accept", second.publicKey.fingerprint];
    expect((await person.run(accepted)).code).toBe(0);
    const two = await stack.host({ ...host("moved-2"), onStream: echoingSshServer(second.privateKey) });
    const refused = await run();
    expect(refused).toMatchObject({ code: 1, stdout: "" });
    const [before, now] = [first.publicKey.fingerprint, second.publicKey.fingerprint];
    expect(refused.stderr).toContain(`it is now ${now}; it was ${before}`);
    expect(known()).not.toContain(second.publicKey.blob);
    expect((await run("--host-key", second.publicKey.fingerprint)).code).toBe(7);
    expect((await run()).code).toBe(7);
    expect(known()).not.toContain(first.publicKey.blob);
    await two.stop();
  });

  test("works from a directory and a home with blanks, quotes and per cent signs in their names", async () => {
    const odd = join(person.home, 'it\'s 100% (odd) $HOME "x"');
    mkdirSync(odd, { mode: 0o700 });
    const env = { SALLYPORT_CONFIG: odd, SALLYPORT_TOKEN: token, SALLYPORT_GATEWAY: stack.url };
    const { code, stdout } = await person.run(["ssh", ...OPTIONS(), "web", "x"], "", env);
    expect({ code, stdout }).toEqual({ code: 7, stdout: "<x>" });
  });

  test("prints a command that a shell can run", async () => {
    const { stdout } = await person.run(["ssh", "--print", ...OPTIONS(), "web", "--", "echo", "a  b"]);
    expect(stdout).toMatch(/^ssh -o /);
    expect(stdout).not.toMatch(/StrictHostKeyChecking=no/);
    expect(stdout).not.toContain(token);
    // It waits for the server in this process, so it may not block it.
    const { spawn } = await import("node:child_process");
    const child = spawn("sh", ["-c", stdout.trim()], {
      env: person.env,
      stdio: ["ignore", "pipe", "inherit"],
    });
    let output = "";
    child.stdout.on("data", (part) => {
      output += String(part);
    });
    expect(await new Promise((resolve) => child.on("close", resolve))).toBe(7);
    expect(output).toBe("<echo a  b>");
  });

  test("works, run and printed, where the person's own Node programs preload something that is not here", async () => {
    const { stdout: line } = await person.run(["ssh", "--print", ...OPTIONS(), "web", "true"]);
    // Only the shell of the person has it, and not the Node that printed the command.
    const env = { ...person.env, NODE_OPTIONS: "--require ./not-here.js" };
    const { spawn } = await import("node:child_process");
    const child = spawn("sh", ["-c", line.trim()], { env, stdio: ["ignore", "ignore", "pipe"] });
    let said = "";
    child.stderr.on("data", (part) => {
      said += String(part);
    });
    expect(await new Promise((resolve) => child.on("close", resolve)), said).toBe(7);
  });

  test("says of an offline workspace that it is, and when it was seen", async () => {
    const away = await stack.host({ token, name: "away" });
    await away.stop();
    await expect
      .poll(async () => (await person.run(["ssh", "away"])).stderr)
      .toMatch(/^sallyport: workspace: away is offline \(last seen .*\): start `sallyport host` there\.\n$/);
  });

  test("says of an unknown workspace that there is none", async () => {
    const { code, stderr } = await person.run(["ssh", "nowhere"]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^sallyport: workspace: /);
  });

  test("accepts a fingerprint of the published key, and refuses another before it connects", async () => {
    const fingerprint = execFileSync("ssh-keygen", ["-lf", "-"], {
      input: hostKeys[0],
      encoding: "utf8",
    }).split(" ")[1];
    const args = [...OPTIONS(), "web", "x"];
    expect((await person.run(["ssh", "--host-key", fingerprint ?? "", ...args])).code).toBe(7);
    const refused = await person.run(["ssh", "--host-key", `SHA256:${"A".repeat(43)}`, ...args]);
    expect(refused.stderr).toMatch(/^sallyport: ssh: The gateway publishes a different host key/);
  });

  test("has a socket for clients without a ProxyCommand that no other user of the machine can open", async () => {
    const tunnel = person.start(["tunnel", "--listen", "./ws.sock", stack.url, "web"]);
    const path = join(person.home, "ws.sock");
    await tunnel.seen(`Listening on ${path}, for you alone.`);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const client = connect(path);
    expect(await new Promise((done) => client.once("data", (data) => done(String(data))))).toMatch(
      /^SSH-2\.0-/,
    );
    client.destroy();
    tunnel.child.kill("SIGTERM");
    await tunnel.finished;
    expect(existsSync(path)).toBe(false);
    const port = person.start(["tunnel", "--listen", "127.0.0.1:0", stack.url, "web"]);
    await port.seen(", for every user of this machine.");
    port.child.kill("SIGTERM");
    await port.finished;
  });

  test("tells when there is no ssh", async () => {
    const { code, stderr } = await person.run(["ssh", "web"], "", { SALLYPORT_SSH: "/nowhere/ssh" });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^sallyport: ssh: There is no \/nowhere\/ssh/);
  });

  test("passes the first signal on, and goes at once at the second", async () => {
    const stubborn = join(person.home, "stubborn-ssh");
    // Ends when the test closes its standard input.
    writeFileSync(
      stubborn,
      "#!/bin/sh\ntrap 'echo told' TERM\necho up\nwhile read -r _; do :; done\nwhile read -r _; do :; done\n",
    );
    chmodSync(stubborn, 0o755);
    const { child, finished, seen } = person.start(["ssh", "web"], { SALLYPORT_SSH: stubborn });
    await seen("up");
    child.kill("SIGTERM");
    await seen("told");
    child.kill("SIGTERM");
    await expect.poll(() => child.exitCode).toBe(143);
    child.stdin?.end();
    await finished;
  });
});

describe("sallyport ssh without an account", () => {
  let open: TestStack;
  let anonymous: Person;
  let workspace: TestHost;
  let openKey: string;
  beforeAll(async () => {
    open = await TestStack.start(["--open"]);
    anonymous = new Person();
    const state = join(anonymous.home, "state");
    const identity = await loadIdentity(state);
    openKey = `${identity.publicKey.type} ${identity.publicKey.blob}`;
    workspace = await open.host({ name: "open", state, onStream: echoingSshServer(identity.privateKey) });
  });
  afterAll(async () => {
    anonymous.close();
    await open.close();
  });
  const run = (...args: string[]) =>
    anonymous.run(["ssh", "--gateway", open.url, ...args, ...OPTIONS(), workspace.id, "x"]);

  test("asks for the host key, connects with it, and knows it from then on", async () => {
    const asked = await run();
    expect(asked.code).toBe(1);
    expect(asked.stderr).toMatch(/^sallyport: ssh: .*--host-key/);
    expect(await run("--host-key", openKey)).toMatchObject({ code: 7, stdout: "<x>" });
    expect(await run()).toMatchObject({ code: 7, stdout: "<x>" });
  });

  test("takes the key from a known_hosts file, under the workspace's own name only", async () => {
    const file = join(anonymous.home, "given");
    writeFileSync(file, `else.example ${openKey}\n`);
    expect((await run("--known-hosts", file)).stderr).toMatch(/contains no key for/);
    writeFileSync(file, `${workspace.id} ${openKey}\n`);
    expect((await run("--known-hosts", file)).code).toBe(7);
  });

  test("does not take a fingerprint for a key", async () => {
    expect((await run("--host-key", `SHA256:${"A".repeat(43)}`)).code).toBe(2);
  });
});
