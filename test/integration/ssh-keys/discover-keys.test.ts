// Key discovery with the system's own ssh, ssh-keygen and ssh-agent, and compared with the keys that ssh really offers.

import { type ChildProcess, execFile, execFileSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import ssh2 from "ssh2";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createKey, sallyportKeyPath } from "../../../agent/client/keys/create-key.ts";
import { applyPin, type DiscoverOptions, discoverKeys } from "../../../agent/client/keys/discover-keys.ts";
import { planKey } from "../../../agent/client/keys/key-plan.ts";
import { askAgent } from "../../../agent/client/ssh-agent/ask-agent.ts";
import { encode } from "../../../protocol/ssh/wire.ts";
import { startAgent } from "../../support/ssh/ssh-agent.ts";

const run = promisify(execFile);
let home: string;
let config: string;
const agents: ChildProcess[] = [];

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "sallyport-discover-"));
  mkdirSync(join(home, ".ssh"), { mode: 0o700 });
  config = join(home, "config");
  writeFileSync(config, "");
});
afterEach(async () => {
  // An agent removes its socket as it goes, which must not meet the removal of the directory.
  for (const agent of agents.splice(0)) {
    const gone = new Promise((resolve) => agent.once("exit", resolve));
    if (agent.kill("SIGTERM")) await gone;
  }
  rmSync(home, { recursive: true, force: true });
});

const env = (extra: Record<string, string> = {}) => ({ PATH: process.env.PATH, HOME: home, ...extra });

/** Makes a key in ~/.ssh and returns its path. */
function key(name: string, ...args: string[]): string {
  const path = join(home, ".ssh", name);
  const passphrase = args.includes("-N") ? [] : ["-N", ""];
  const type = args.includes("-t") ? [] : ["-t", "ed25519"];
  execFileSync("ssh-keygen", ["-q", "-C", name, "-f", path, ...type, ...passphrase, ...args]);
  return path;
}

async function agent(name: string, ...keys: string[]): Promise<string> {
  const path = join(home, name);
  agents.push(await startAgent(path, ...keys));
  return path;
}

/** `~` is the temporary home for Sallyport; ssh itself has another, so configurations here name whole paths or `%d` never. */
const options = (
  extra: Partial<DiscoverOptions> & { env?: Record<string, string> } = {},
): DiscoverOptions => ({
  host: "ws.gateway.example",
  configFile: config,
  ...extra,
  machine: { platform: "linux", home, env: env(extra.env) },
});
const found = async (extra: Parameters<typeof options>[0] = {}) =>
  (await discoverKeys(options(extra))).candidates.map((candidate) => candidate.key.comment);
const fingerprintOf = (path: string) =>
  execFileSync("ssh-keygen", ["-lf", path], { encoding: "utf8" }).split(" ")[1] ?? "";

/** The fingerprints that ssh offers to a server that takes none, in order. */
async function offeredBySsh(extra: Record<string, string> = {}): Promise<string[]> {
  const hostKey = key(`host-${Math.random().toString(36).slice(2)}`);
  const server = new ssh2.Server({ hostKeys: [readFileSync(hostKey)] }, (client) => {
    client.on("error", () => undefined);
    client.on("authentication", (context) => context.reject(["publickey"]));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const known = join(home, "known");
  writeFileSync(known, `ws.gateway.example ${readFileSync(`${hostKey}.pub`, "utf8")}`);
  const over = ["-o", `HostName=127.0.0.1`, "-o", "HostKeyAlias=ws.gateway.example", "-p", String(port)];
  const safe = [
    "-o",
    `UserKnownHostsFile=${known}`,
    "-o",
    "BatchMode=yes",
    "-o",
    "StrictHostKeyChecking=yes",
  ];
  const ended = await run("ssh", ["-v", "-T", "-F", config, ...over, ...safe, "ws.gateway.example", "true"], {
    env: env(extra),
  }).catch((error: { stderr: string }) => error);
  await new Promise((resolve) => server.close(resolve));
  return [...ended.stderr.matchAll(/Offering public key: .*(SHA256:\S+)/g)].map(([, print]) => print ?? "");
}

describe("discovery", () => {
  test("follows Include, Host and Match as ssh does", async () => {
    const [one, two, three, four] = ["one", "two", "three", "four"].map((name) => key(name));
    writeFileSync(join(home, "included"), `Host ws.gateway.example\n  IdentityFile ${two}\n`);
    writeFileSync(
      config,
      `Include ${join(home, "included")}\nHost other\n  IdentityFile ${one}\nMatch host *.gateway.example exec "true"\n  IdentityFile ${three}\nMatch exec "false"\n  IdentityFile ${four}\n`,
    );
    expect(await found()).toEqual(["two", "three"]);
    const { askedSsh, notes } = await discoverKeys(options());
    expect({ askedSsh, notes }).toEqual({ askedSsh: true, notes: [] });
  });

  test("finds default names, and reads encrypted keys with and without their public file", async () => {
    const names = ["id_rsa", "id_ecdsa", "id_ed25519"];
    const rsa = key("id_rsa", "-t", "rsa", "-b", "2048", "-N", "a passphrase");
    const ed = key("id_ed25519", "-N", "a passphrase");
    key("id_ecdsa", "-t", "ecdsa");
    const prints = names.map((name) => fingerprintOf(join(home, ".ssh", `${name}.pub`)));
    rmSync(`${ed}.pub`);
    const { candidates } = await discoverKeys(options());
    expect(candidates.map(({ key: { fingerprint } }) => fingerprint)).toEqual(prints);
    expect(candidates.map(({ encrypted }) => encrypted)).toEqual([true, false, true]);
    expect(candidates[0]?.file).toBe(rsa);
  });

  test("says which encrypted PEM file hides its public key, and reads an open one", async () => {
    const locked = key("id_rsa", "-t", "rsa", "-b", "2048", "-m", "PEM", "-N", "a passphrase");
    const open = key("id_ecdsa", "-t", "ecdsa", "-m", "PEM");
    const print = fingerprintOf(`${open}.pub`);
    rmSync(`${locked}.pub`);
    rmSync(`${open}.pub`);
    const { candidates, notes } = await discoverKeys(options());
    expect(candidates.map(({ key: { fingerprint } }) => fingerprint)).toEqual([print]);
    expect(notes).toEqual([
      expect.stringMatching(
        /^~\/\.ssh\/id_rsa was skipped: its public key cannot be read, because it is an encrypted PEM file/,
      ),
    ]);
  });

  test("believes the private file when the public one beside it is another key's", async () => {
    const one = key("id_ed25519");
    const print = fingerprintOf(`${one}.pub`);
    const two = key("other");
    renameSync(`${two}.pub`, `${one}.pub`);
    const { candidates } = await discoverKeys(options());
    expect(candidates[0]?.key.fingerprint).toBe(print);
  });

  test("offers keys in the order in which ssh does", async () => {
    const names = ["a", "b", "c", "d", "e"];
    const [a, b, c, d, e] = names.map((name) => key(name));
    writeFileSync(config, `IdentityFile ${a}\nIdentityFile ${b}\nIdentityFile ${c}\n`);
    const socket = await agent("agent", d ?? "", c ?? "", e ?? "", b ?? "");
    expect(await found({ env: { SSH_AUTH_SOCK: socket } })).toEqual(["c", "b", "d", "e", "a"]);
    const { candidates } = await discoverKeys(options({ env: { SSH_AUTH_SOCK: socket } }));
    const ours = candidates.map((candidate) => candidate.key.fingerprint);
    expect(await offeredBySsh({ SSH_AUTH_SOCK: socket })).toEqual(ours);
    writeFileSync(config, `IdentitiesOnly yes\n${readFileSync(config, "utf8")}`);
    const only = await discoverKeys(options({ env: { SSH_AUTH_SOCK: socket } }));
    expect(only.candidates.map((one) => one.key.comment)).toEqual(["c", "b", "a"]);
    expect(await offeredBySsh({ SSH_AUTH_SOCK: socket })).toEqual(
      only.candidates.map((one) => one.key.fingerprint),
    );
  });

  test("asks the agent that IdentityAgent names, in all of its forms", async () => {
    const [mine, other] = [key("mine"), key("other")];
    const [first, second] = [await agent("first", mine), await agent("se cond", other)];
    for (const suffix of ["", ".pub"]) {
      rmSync(`${mine}${suffix}`);
      rmSync(`${other}${suffix}`);
    }
    const sockets = { SSH_AUTH_SOCK: first, OTHER: second };
    const withAgent = async (line: string) => {
      writeFileSync(config, line);
      return await found({ env: sockets });
    };
    expect(await withAgent("")).toEqual(["mine"]);
    expect(await withAgent("IdentityAgent SSH_AUTH_SOCK\n")).toEqual(["mine"]);
    expect(await withAgent("IdentityAgent none\n")).toEqual([]);
    expect(await withAgent(`IdentityAgent "${second}"\n`)).toEqual(["other"]);
    expect(await withAgent("IdentityAgent $OTHER\n")).toEqual(["other"]);
    expect(await withAgent(`IdentityAgent \${OTHER}\n`)).toEqual(["other"]);
    expect(await withAgent("IdentityAgent $MISSING\n")).toEqual([]);
  });

  test("knows a certificate's key, from a file and from the agent", async () => {
    const [ca, one] = [key("ca"), key("one")];
    execFileSync("ssh-keygen", ["-q", "-s", ca, "-I", "me", "-n", "me", `${one}.pub`]);
    const certificate = join(home, "elsewhere-cert.pub");
    renameSync(`${one}-cert.pub`, certificate);
    writeFileSync(config, `IdentityFile ${one}\nCertificateFile ${certificate}\n`);
    const { candidates } = await discoverKeys(options());
    expect(candidates).toMatchObject([{ file: one, certificateFile: certificate }]);
    const socket = await agent("agent", one);
    execFileSync("ssh-add", ["-q", "-d", `${one}.pub`], {
      env: env({ SSH_AUTH_SOCK: socket }),
      stdio: "ignore",
    });
    renameSync(certificate, `${one}-cert.pub`);
    execFileSync("ssh-add", ["-q", one], { env: env({ SSH_AUTH_SOCK: socket }), stdio: "ignore" });
    writeFileSync(config, "");
    expect(await found({ env: { SSH_AUTH_SOCK: socket } })).toEqual(["one"]);
  });

  test("takes a public file alone as a key of the agent's, and as unusable without it", async () => {
    const one = key("one");
    const socket = await agent("agent", one);
    rmSync(one);
    writeFileSync(config, `IdentityFile ${one}\nIdentitiesOnly yes\n`);
    const withAgent = await discoverKeys(options({ env: { SSH_AUTH_SOCK: socket } }));
    expect(withAgent.candidates).toMatchObject([{ inAgent: true, problem: undefined }]);
    const without = await discoverKeys(options());
    expect(without.candidates).toMatchObject([
      { problem: expect.stringContaining("private key is missing") },
    ]);
  });

  test("tells a security key and a key that others can read", async () => {
    const blob = encode("sk-ssh-ed25519@openssh.com", Buffer.alloc(32, 7), "ssh:");
    writeFileSync(
      join(home, ".ssh", "id_ed25519_sk.pub"),
      `sk-ssh-ed25519@openssh.com ${blob.toString("base64")} my yubikey\n`,
    );
    chmodSync(key("id_ed25519"), 0o644);
    const { candidates } = await discoverKeys(options());
    expect(candidates.map(({ label, problem }) => ({ label, problem }))).toEqual([
      {
        label: expect.stringMatching(/^ED25519 · id_ed25519 · SHA256:/),
        problem: expect.stringContaining("chmod 600"),
      },
      { label: expect.stringMatching(/^ED25519 security key · my yubikey · /), problem: expect.any(String) },
    ]);
  });

  test("goes on without ssh, with a broken configuration, and with an agent that hangs, and says so", async () => {
    key("id_ed25519");
    const noSsh = await discoverKeys(options({ ssh: "/nowhere/ssh" }));
    expect(noSsh.candidates).toHaveLength(1);
    expect(noSsh.notes).toEqual([expect.stringContaining("There is no /nowhere/ssh")]);
    writeFileSync(config, "Nonsense yes\n");
    const broken = await discoverKeys(options());
    expect(broken.candidates).toHaveLength(1);
    expect(broken.notes).toEqual([
      expect.stringMatching(/cannot read its configuration.*Only the default key files/),
    ]);
    writeFileSync(config, "");
    const silent = createServer(() => undefined);
    const path = join(home, "silent");
    await new Promise<void>((resolve) => silent.listen(path, resolve));
    expect(await askAgent(path, 50)).toMatchObject({
      kind: "unreachable",
      reason: expect.stringContaining("0.05"),
    });
    silent.close();
    const gone = await discoverKeys(options({ env: { SSH_AUTH_SOCK: join(home, "gone") } }));
    expect(gone.notes).toEqual([expect.stringMatching(/SSH agent at ~\/gone did not answer: ENOENT/)]);
  });

  test("does not read what is not a file, or hand a host to ssh that it would take for an option", async () => {
    execFileSync("mkfifo", [join(home, ".ssh", "id_rsa")]);
    symlinkSync("/dev/zero", join(home, ".ssh", "id_ecdsa"));
    const { candidates, notes } = await discoverKeys(options());
    expect(candidates).toEqual([]);
    expect(notes).toHaveLength(2);
    const odd = await discoverKeys(options({ host: `-oProxyCommand=touch ${join(home, "owned")}` }));
    expect(odd.askedSsh).toBe(false);
    expect(existsSync(join(home, "owned"))).toBe(false);
  });
});

describe("a pin", () => {
  test("of one of eight agent keys makes ssh offer that one alone", async () => {
    const keys = ["1", "2", "3", "4", "5", "6", "7", "8"].map((name) => key(`k${name}`));
    const socket = await agent("agent", ...keys);
    const wanted = fingerprintOf(`${keys[6]}.pub`);
    for (const path of keys) rmSync(path);
    writeFileSync(config, `IdentityAgent ${socket}\n`);
    const { candidates, agent: address } = await discoverKeys(options());
    expect(candidates).toHaveLength(8);
    const directory = join(home, ".ssh", "sallyport");
    const plan = planKey({
      candidates,
      registered: new Set([wanted]),
      agent: address,
      directory,
      platform: "linux",
    });
    if (plan.kind !== "matched") throw new Error("There is a match.");
    applyPin(plan.pin);
    expect(statSync(plan.pin.identityFile).mode & 0o777).toBe(0o600);
    expect(statSync(directory).mode & 0o777).toBe(0o700);
    expect(plan.pin.identityAgent).toBe(socket);
    const { identityFile, identityAgent } = plan.pin;
    writeFileSync(
      config,
      `IdentityFile ${identityFile}\nIdentitiesOnly yes\nIdentityAgent ${identityAgent}\n`,
    );
    expect(await offeredBySsh()).toEqual([wanted]);
  });
});

describe("a key for Sallyport", () => {
  test("is made by ssh-keygen in a directory of its own, and found again instead of replaced", async () => {
    const path = sallyportKeyPath(home);
    const wanted = { path, hostName: "my laptop.lan", platform: "linux", env: env() } as const;
    const [one, two] = await Promise.all([createKey(wanted), createKey(wanted)]);
    expect([one.created, two.created].toSorted()).toEqual([false, true]);
    expect(one.key.blob).toBe(two.key.blob);
    expect(one.key.comment).toBe("sallyport@my-laptop");
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(fingerprintOf(path)).toBe(one.key.fingerprint);
    expect((await createKey(wanted)).created).toBe(false);
    expect(execFileSync("ls", ["-A", join(home, ".ssh", "sallyport")], { encoding: "utf8" })).toBe(
      "id_ed25519\nid_ed25519.pub\n",
    );
  });

  test("is not made over something else, nor without ssh-keygen", async () => {
    const path = sallyportKeyPath(home);
    mkdirSync(join(home, ".ssh", "sallyport"), { mode: 0o700 });
    const wanted = { path, hostName: "x", platform: "linux", env: env() } as const;
    await expect(createKey({ ...wanted, sshKeygen: "/nowhere/keygen" })).rejects.toMatchObject({
      stage: "ssh",
    });
    writeFileSync(path, "my notes\n");
    await expect(createKey(wanted)).rejects.toMatchObject({ code: "not_a_key" });
    expect(readFileSync(path, "utf8")).toBe("my notes\n");
  });
});
