// What people have for all hosts, and what becomes of it: the real ssh connects by the managed blocks, through the tunnel and
// through the gateway's SSH port, with one such setting after the other behind them.

import { execFile, execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ownerTokenSettings } from "../../../agent/client/ssh-config/host-block.ts";
import { formatManagedConfig, ownerTokenSection } from "../../../agent/client/ssh-config/managed-config.ts";
import { COUNTERS, PERSON_SETTINGS } from "../../../agent/client/ssh-config/person/settings-treatment.ts";
import { verifyAlias } from "../../../agent/client/ssh-config/person/verify-alias.ts";
import { loadIdentity } from "../../../agent/host/identity.ts";
import { parseHostName, parsePort } from "../../../protocol/values/host-name.ts";
import { parseWorkspaceId } from "../../../protocol/values/id.ts";
import { Person } from "../../support/cli.ts";
import { TestStack } from "../../support/link.ts";
import { shortAndLong } from "../../support/long.ts";
import { echoingSshServer } from "../../support/ssh/echoing-ssh-server.ts";

const TRANSPORTS = ["tunnel", "direct"] as const;
type Transport = (typeof TRANSPORTS)[number];

let stack: TestStack;
let hostKey: string;
let workspaceId: string;
let token: string;
let people: Record<Transport, Person>;

beforeAll(async () => {
  stack = await TestStack.start(["--ssh", "127.0.0.1:0"]);
  const account = await stack.account("ada");
  token = (await stack.token(account, ["account", "connect", "host"])).token;
  const state = join(stack.directory, "host");
  const identity = await loadIdentity(state);
  hostKey = `${identity.publicKey.type} ${identity.publicKey.blob}`;
  await stack.host({
    token,
    name: "web",
    state,
    onStream: echoingSshServer(identity.privateKey, ({ method }) => method === "publickey"),
  });
  people = { tunnel: new Person(), direct: new Person() };
  for (const transport of TRANSPORTS) {
    const person = people[transport];
    mkdirSync(join(person.home, ".ssh"), { mode: 0o700 });
    const key = join(person.home, "id");
    execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", key]);
    await person.run(["login", stack.url], token);
    expect(await person.run(["keys", "add", `${key}.pub`])).toMatchObject({ code: 0 });
    const written = await person.run(["config-ssh", "--yes", "--transport", transport]);
    expect(written, written.stderr).toMatchObject({ code: 0 });
  }
  workspaceId = /HostName (ws_\w+)/.exec(managed(people.tunnel))?.[1] ?? "";
});
afterAll(async () => {
  for (const person of Object.values(people ?? {})) person.close();
  await stack?.close();
});

const alias = () => `web.127.0.0.1-${new URL(stack.url).port}`;
const managedPath = (person: Person, name = "config") => join(person.home, ".ssh", "sallyport", name);
const managed = (person: Person) => readFileSync(managedPath(person), "utf8");

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The person's own file: the Include, then what they have for all hosts. */
function personFile(person: Person, settings: readonly string[]): string {
  const path = join(person.home, ".ssh", "config");
  const lines = [`Include ${managedPath(person)}`, "Host *", ...settings.map((line) => `  ${line}`)];
  // Where a test says nothing about keys. Behind what it says, since the first value counts.
  lines.push(`  IdentityFile ${join(person.home, "id")}`);
  writeFileSync(path, `${lines.join("\n")}\n`, { mode: 0o600 });
  return path;
}

/** As rsync and editors do: a command, and something on its standard input. */
function connect(
  person: Person,
  settings: readonly string[],
  env: Record<string, string> = {},
): Promise<Ended> {
  const args = ["-F", personFile(person, settings), alias(), "make test"];
  return new Promise((done) => {
    const child = execFile("ssh", args, { env: { ...person.env, ...env } }, (error, stdout, stderr) =>
      done({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    );
    child.stdin?.on("error", () => undefined);
    child.stdin?.end("input");
  });
}

const WORKS = { code: 7, stdout: "<make test>input", stderr: "" };

/** What stands in the way where a block says nothing against it. */
const IN_THE_WAY: Readonly<Record<string, string>> = {
  HostName: "elsewhere.invalid",
  Port: "7",
  User: "somebody",
  ProxyUseFdpass: "yes",
  CanonicalizeHostname: "always",
  HostKeyAlias: "elsewhere",
  UserKnownHostsFile: "/dev/null",
  GlobalKnownHostsFile: "/dev/null",
  StrictHostKeyChecking: "ask",
  VerifyHostKeyDNS: "yes",
  UpdateHostKeys: "yes",
  CheckHostIP: "yes",
  NoHostAuthenticationForLocalhost: "yes",
  PubkeyAuthentication: "no",
  PreferredAuthentications: "password",
  ServerAliveInterval: "0",
  ServerAliveCountMax: "1",
  ControlMaster: "auto",
  ControlPath:
    "/tmp/sallyport-test-%C-much-longer-than-a-path-of-a-socket-may-be-which-is-about-a-hundred-and-eight-bytes-in-all",
  RequestTTY: "force",
  Tunnel: "yes",
};

describe("a setting for all hosts that would break or weaken a connection", () => {
  for (const [some, options] of shortAndLong(Object.entries(IN_THE_WAY), 4)) {
    test.each(some)("%s %s does not", options, async (keyword, value) => {
      for (const transport of TRANSPORTS) {
        const person = people[transport];
        const pins = readFileSync(managedPath(person, "known_hosts"), "utf8");
        expect(await connect(person, [`${keyword} ${value}`]), transport).toEqual(WORKS);
        expect(readFileSync(managedPath(person, "known_hosts"), "utf8"), transport).toBe(pins);
      }
    });
  }

  test("ProxyCommand and ProxyJump lead no connection to a workspace elsewhere", async () => {
    for (const line of ["ProxyCommand false", "ProxyJump elsewhere.invalid"]) {
      expect(await connect(people.tunnel, [line]), line).toEqual(WORKS);
      // The gateway's own SSH port is reached as the person reaches everything.
      expect(await connect(people.direct, [line]), line).toMatchObject({ code: 255 });
    }
  });

  test("no other file, command, name server or laxness vouches for another host key", async () => {
    const lax = join(stack.directory, "lax_known_hosts");
    writeFileSync(lax, `* ${hostKey}\n`);
    const command = join(stack.directory, "vouch");
    writeFileSync(command, `#!/bin/sh\necho '* ${hostKey}'\n`);
    chmodSync(command, 0o755);
    const other = await loadIdentity(join(stack.directory, "other"));
    const person = people.tunnel;
    // Also what has to be countered is: the file is written with it in the person's own.
    personFile(person, [`KnownHostsCommand ${command}`]);
    expect(await person.run(["config-ssh", "--yes"])).toMatchObject({ code: 0 });
    const pins = managedPath(person, "known_hosts");
    const before = readFileSync(pins, "utf8");
    try {
      writeFileSync(pins, `${alias()} ${other.publicKey.type} ${other.publicKey.blob}\n`);
      for (const line of [
        `GlobalKnownHostsFile ${lax}`,
        `UserKnownHostsFile ${lax}`,
        `KnownHostsCommand ${command}`,
        "StrictHostKeyChecking no",
        "NoHostAuthenticationForLocalhost yes",
        "VerifyHostKeyDNS yes",
      ]) {
        const ended = await connect(person, [line]);
        expect(ended, line).toMatchObject({ code: 255, stdout: "" });
        expect(ended.stderr, line).toMatch(/verification failed/i);
      }
    } finally {
      writeFileSync(pins, before);
    }
  });

  test.each([
    ["RemoteCommand", "tmux attach"],
    ["SessionType", "none"],
    ["StdinNull", "yes"],
    ["ForkAfterAuthentication", "yes"],
    ["KnownHostsCommand", "/bin/echo %H"],
  ])("%s %s is countered where the person's file has it, and stays so", async (keyword, value) => {
    const person = people.tunnel;
    const line = `${keyword} ${value}`;
    personFile(person, [line]);
    expect(await person.run(["config-ssh"])).toMatchObject({ code: 0 });
    expect(managed(person)).toContain(`\n  ${keyword} ${COUNTERS[keyword]}\n`);
    expect(await connect(person, [line])).toEqual(WORKS);
    const again = await person.run(["config-ssh"]);
    expect(again.stderr).toContain("already has 1 workspace");
  });

  test("what younger ssh alone know is not written where nobody has it", () => {
    expect(managed(people.direct)).not.toMatch(new RegExp(Object.keys(COUNTERS).join("|")));
  });
});

test("`sallyport ssh` sets the same on its command line", async () => {
  const person = people.tunnel;
  const marker = join(stack.directory, "asked");
  const nasty = {
    ...IN_THE_WAY,
    RemoteCommand: "tmux attach",
    SessionType: "none",
    StdinNull: "yes",
    ForkAfterAuthentication: "yes",
    KnownHostsCommand: `/usr/bin/touch ${marker}`,
  };
  // With `sallyport ssh` these are the person's to say.
  const theirs = ["HostName", "User", "Port"];
  const settings = Object.entries(nasty).filter(([keyword]) => !theirs.includes(keyword));
  const file = personFile(
    person,
    settings.map((pair) => pair.join(" ")),
  );
  const done = await person.run(["ssh", "-F", file, "web", "make test"], "input");
  expect(done).toMatchObject(WORKS);
  expect(existsSync(marker)).toBe(false);
});

test("an owner token is asked for, whatever a person has for all hosts", async () => {
  const person = people.tunnel;
  const { stdout } = await person.run(["token", "owner", "web"]);
  const askpass = join(person.home, "askpass");
  writeFileSync(askpass, `#!/bin/sh\necho '${/spo_\S+/.exec(stdout)?.[0]}'\n`);
  chmodSync(askpass, 0o700);
  const block = {
    gateway: stack.url,
    id: parseWorkspaceId(workspaceId),
    alias: alias(),
    gatewayAlias: `_gateway.127.0.0.1-${new URL(stack.url).port}`,
    hostName: parseHostName("127.0.0.1"),
    port: parsePort(stack.gateway.ssh?.port),
  };
  const place = { knownHosts: managedPath(people.direct, "known_hosts"), platform: "linux" } as const;
  const before = managed(person);
  writeFileSync(managedPath(person), formatManagedConfig([ownerTokenSection(block, place)]));
  const settings = [
    ...["PasswordAuthentication no", "KbdInteractiveAuthentication no", "NumberOfPasswordPrompts 0"],
    ...["BatchMode yes", "PreferredAuthentications publickey", "PubkeyAuthentication yes"],
  ];
  try {
    const program = {
      program: "ssh",
      env: person.env,
      configFile: personFile(person, settings),
      home: person.home,
    };
    expect(
      await verifyAlias({ alias: alias(), settings: ownerTokenSettings(block, place) }, program),
    ).toEqual([]);
    const env = { SSH_ASKPASS: askpass, SSH_ASKPASS_REQUIRE: "force" };
    expect(await connect(person, settings, env)).toMatchObject({ code: 7, stdout: "<make test>input" });
  } finally {
    writeFileSync(managedPath(person), before);
  }
});

/** With each a value that people have. */
const KEPT: Readonly<Record<string, string>> = {
  Ciphers: "aes256-gcm@openssh.com,aes128-ctr",
  KexAlgorithms: "curve25519-sha256",
  MACs: "hmac-sha2-256-etm@openssh.com,hmac-sha2-256",
  HostKeyAlgorithms: "ssh-ed25519,ssh-ed25519-cert-v01@openssh.com",
  PubkeyAcceptedAlgorithms: "ssh-ed25519",
  RequiredRSASize: "3072",
  RevokedHostKeys: "/dev/null",
  PKCS11Provider: "none",
  SecurityKeyProvider: "internal",
  AddKeysToAgent: "yes",
  AddressFamily: "inet",
  BindAddress: "127.0.0.1",
  BindInterface: "lo",
  ConnectTimeout: "60",
  ConnectionAttempts: "2",
  TCPKeepAlive: "no",
  IPQoS: "none",
  Compression: "yes",
  RekeyLimit: "1G 1h",
  ForwardAgent: "no",
  ForwardX11: "no",
  ForwardX11Trusted: "yes",
  ForwardX11Timeout: "60",
  XAuthLocation: "/usr/bin/xauth",
  ClearAllForwardings: "yes",
  ExitOnForwardFailure: "yes",
  GatewayPorts: "no",
  PermitRemoteOpen: "none",
  StreamLocalBindMask: "0177",
  StreamLocalBindUnlink: "yes",
  ChannelTimeout: "session:*=60m",
  SendEnv: "LANG LC_*",
  SetEnv: "FOO=bar",
  PermitLocalCommand: "yes",
  LocalCommand: "true",
  EscapeChar: "none",
  EnableEscapeCommandline: "yes",
  ObscureKeystrokeTiming: "yes",
  LogLevel: "ERROR",
  LogVerbose: "none",
  SyslogFacility: "USER",
  VisualHostKey: "no",
  FingerprintHash: "sha256",
  WarnWeakCrypto: "yes",
  VersionAddendum: "none",
  IgnoreUnknown: "UseKeychain",
  CanonicalDomains: "example.com",
  CanonicalizeFallbackLocal: "no",
  CanonicalizeMaxDots: "3",
  CanonicalizePermittedCNAMEs: "none",
  CASignatureAlgorithms: "ssh-ed25519",
  HashKnownHosts: "yes",
  ControlPersist: "yes",
  TunnelDevice: "3:3",
  EnableSSHKeysign: "no",
  HostbasedAuthentication: "yes",
  HostbasedAcceptedAlgorithms: "ssh-ed25519",
  KbdInteractiveDevices: "pam",
  GSSAPIAuthentication: "yes",
  GSSAPIDelegateCredentials: "yes",
  GSSAPIClientIdentity: "ada",
  GSSAPIServerIdentity: "host",
  GSSAPITrustDns: "yes",
  GSSAPIRenewalForcesRekey: "yes",
  GSSAPIKeyExchange: "yes",
  GSSAPIKexAlgorithms: "gss-curve25519-sha256-",
};
/** These say which hosts and files, take a place on this machine, or end the connection by their meaning. */
const NOT_TRIED = new Set([
  "Include",
  "Host",
  "Match",
  "Tag",
  "LocalForward",
  "RemoteForward",
  "DynamicForward",
  "RefuseConnection",
]);

/** Whether this ssh knows a setting: builds and versions differ. */
function known(keyword: string): boolean {
  try {
    execFileSync("ssh", ["-F", "none", "-o", `${keyword}=${KEPT[keyword]}`, "-G", "x"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

describe("what stays the person's", () => {
  test("is tried here, as far as this ssh knows it", ({ annotate }) => {
    const kept = PERSON_SETTINGS.filter(({ treatment }) => treatment === "kept" || treatment === "idle");
    const named = kept.map(({ keyword }) => keyword).filter((keyword) => !NOT_TRIED.has(keyword));
    expect(Object.keys(KEPT).toSorted()).toEqual(named.toSorted());
    const unknown = named.filter((keyword) => !known(keyword));
    if (unknown.length > 0)
      void annotate(`not tried, since this ssh does not know them: ${unknown.join(", ")}`);
  });

  test("does no harm, all of it at once, through either transport", async () => {
    const settings = Object.entries(KEPT).flatMap(([keyword, value]) =>
      known(keyword) ? [`${keyword} ${value}`] : [],
    );
    for (const transport of TRANSPORTS)
      expect(await connect(people[transport], settings), transport).toEqual(WORKS);
  });

  test.each([
    ["Ciphers aes128-cbc", /no matching cipher found/],
    ["KexAlgorithms diffie-hellman-group1-sha1", /no matching key exchange method found/],
    ["MACs hmac-md5\n  Ciphers aes128-ctr", /no matching MAC found/],
    ["HostKeyAlgorithms ssh-dss", /no matching host key type found|[Bb]ad (?:key types|.*algorithms)/],
    ["RevokedHostKeys /nonexistent/revoked", /[Hh]ost key/],
    ["PubkeyAcceptedAlgorithms rsa-sha2-512", /Permission denied/],
  ])("%j ends a connection with ssh's own words, and no other host is reached", async (line, words) => {
    const ended = await connect(people.tunnel, [line]);
    expect(ended).toMatchObject({ code: 255, stdout: "" });
    expect(ended.stderr).toMatch(words);
  });
});
