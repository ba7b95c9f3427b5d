// `sallyport host install-service` and its siblings, with service managers that only play to be one, but start what they are told.

import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { spawn as spawnInTerminal } from "@lydell/node-pty";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import manifest from "../../../package.json" with { type: "json" };
import { CLI } from "../../../scripts/repository.ts";
import { type Finished, Person } from "../../support/cli.ts";
import { TestStack } from "../../support/link.ts";
import { readUnit } from "../../support/programs/systemd-unit.ts";

const MANAGER = join(import.meta.dirname, "fake-manager.ts");
const isRoot = process.getuid?.() === 0;
/** Services of an account are not for root, who becomes somebody else in a namespace of users. */
const AS_SOMEBODY = isRoot ? ["unshare", "--user", "--map-user=1000", "--map-group=1000", "--"] : [];

function works([program = "", ...args]: readonly string[]): boolean {
  return spawnSync(program, args).status === 0;
}

const canBeSomebody = process.platform === "linux" && works([...AS_SOMEBODY, "true"]);
const canMount = isRoot && works(["unshare", "--mount", "mount", "-t", "tmpfs", "none", "/mnt"]);
if (!canBeSomebody)
  console.warn("skipped: no namespace of users can be made here, so root cannot be somebody else");
if (!canMount) console.warn("skipped: only root can put a directory over /etc/systemd/system");

let stack: TestStack;
let person: Person;
let fake: string;
let tokenFile: string;
let token: string;
let accounts = 0;

beforeAll(async () => {
  stack = await TestStack.start();
});
afterAll(() => stack.close());

beforeEach(async () => {
  person = new Person();
  fake = join(person.home, "fake");
  mkdirSync(fake);
  for (const name of ["systemctl", "journalctl", "loginctl", "launchctl", "tail"]) {
    const script = `#!/bin/sh\nexec "${process.execPath}" --no-warnings "${MANAGER}" ${name} "$@"\n`;
    writeFileSync(join(fake, name), script, { mode: 0o755 });
  }
  ({ token } = await stack.token(await stack.account(`ann${accounts++}`), ["host"]));
  tokenFile = join(person.home, "my $token");
  writeFileSync(tokenFile, `${token}\n`, { mode: 0o600 });
});
afterEach(() => {
  const pidFile = join(fake, "pid");
  // The host of a test that has failed.
  if (existsSync(pidFile)) spawnSync("kill", [readFileSync(pidFile, "utf8")]);
  person.close();
});

const unitFile = () => join(person.home, ".config/systemd/user/sallyport-host.service");
const calls = () =>
  existsSync(join(fake, "calls")) ? readFileSync(join(fake, "calls"), "utf8").trim().split("\n") : [];

function run(command: readonly string[], env: Record<string, string> = {}): Promise<Finished> {
  const [program = "", ...args] = command;
  const all = {
    ...person.env,
    PATH: `${fake}:${person.env.PATH}`,
    FAKE: fake,
    FAKE_FILE: unitFile(),
    ...env,
  };
  const child = spawn(program, args, { env: all, cwd: person.home, stdio: ["ignore", "pipe", "pipe"] });
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (part) => {
    stdout += part;
  });
  child.stderr.on("data", (part) => {
    stderr += part;
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
}

/** Runs it in a terminal, and types each answer when its question shows. */
function runInTerminal(
  command: readonly string[],
  answers: readonly (readonly [question: string, answer: string])[],
): Promise<{ readonly code: number; readonly output: string }> {
  const [program = "", ...args] = command;
  const env = { ...person.env, PATH: `${fake}:${person.env.PATH}`, FAKE: fake, FAKE_FILE: unitFile() };
  const pty = spawnInTerminal(program, args, { env, cwd: person.home, cols: 200, rows: 50 });
  const waiting = [...answers];
  let output = "";
  pty.onData((part) => {
    output += part;
    const [next] = waiting;
    if (next === undefined || !output.includes(`${next[0]} [y/N] `)) return;
    waiting.shift();
    pty.write(`${next[1]}\r`);
  });
  return new Promise((resolve) => pty.onExit(({ exitCode }) => resolve({ code: exitCode, output })));
}

const host = (args: readonly string[], env: Record<string, string> = {}) =>
  run([...AS_SOMEBODY, process.execPath, CLI, "host", ...args, "--manager", "systemd"], env);

const install = (args: readonly string[] = [], env: Record<string, string> = {}) =>
  host(["install-service", "--gateway", stack.url, "--name", "dev", "--yes", ...args], env);

/** Everything in the home but the fakes. */
function filesAtHome(): readonly string[] {
  return readdirSync(person.home, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory() && !entry.parentPath.startsWith(fake))
    .map((entry) => join(entry.parentPath, entry.name).slice(person.home.length + 1))
    .filter((path) => !path.startsWith(".cache/"))
    .toSorted();
}

describe.skipIf(!canBeSomebody)("a service of an account", () => {
  test("is shown, written and started, says what it is, is replaced, and goes without a trace", async () => {
    const installed = await install(["--token-file", "my $token", "--verbose"]);
    expect(installed).toMatchObject({ code: 0 });
    expect(installed.stdout).toContain(`Workspace dev is online at ${stack.url}`);
    const text = readFileSync(unitFile(), "utf8");
    for (const line of text.trimEnd().split("\n")) expect(installed.stderr).toContain(`    ${line}\n`);
    expect(text).not.toContain(token);
    expect(installed.stdout).toMatch(/How to connect is in its log: journalctl --user/);
    const command = readUnit(text).command({});
    expect(command).toEqual([
      process.execPath,
      CLI,
      "host",
      "--gateway",
      stack.url,
      "--name",
      "dev",
      "--verbose",
      "--state",
      join(person.home, ".local/state/sallyport/host"),
      "--token-file",
      tokenFile,
    ]);
    const changes = () => calls().filter((call) => /reload|enable|restart|disable|reset/.test(call));
    const start = ["daemon-reload", "enable sallyport-host.service", "restart sallyport-host.service"];
    expect(changes()).toEqual(start.map((call) => `systemctl --user ${call}`));
    // Nothing but an explanation without a yes of its own.
    expect(installed.stderr).toContain("run `loginctl enable-linger`");

    const status = await host(["service-status", "--json"]);
    expect(status.code).toBe(0);
    expect(JSON.parse(status.stdout)).toMatchObject({
      installed: true,
      manager: "systemd-user",
      file: unitFile(),
      service: { is: "running", enabled: true },
      host: { gateway: stack.url, name: "dev", online: true },
      version: { running: manifest.version, installed: manifest.version },
    });
    expect((await host(["service-status"])).stdout).toMatch(/Workspace +dev at .*, online\n/);

    const replaced = await install(["--token-file", tokenFile, "--no-owner-token"]);
    expect(replaced.stdout, replaced.stderr).toContain("Workspace dev is online");
    expect(readUnit(readFileSync(unitFile(), "utf8")).command({})).toContain("--no-owner-token");
    expect(replaced.stderr).toContain(`This replaces ${unitFile()}`);

    const removed = await host(["uninstall-service", "--yes"]);
    expect(removed).toMatchObject({ code: 0 });
    expect(calls()).toContain("systemctl --user disable --now sallyport-host.service");
    expect(existsSync(join(fake, "pid"))).toBe(false);
    const state = ".local/state/sallyport/host";
    expect(filesAtHome()).toEqual([
      ...["ssh_host_ecdsa_key", "ssh_host_ed25519_key", "ssh_host_rsa_key", "state.json"].map(
        (name) => `${state}/${name}`,
      ),
      "my $token",
    ]);
    expect(await host(["service-status"])).toMatchObject({ code: 1 });
    expect(await host(["uninstall-service", "--yes"])).toMatchObject({ code: 0 });
  });

  test("asks a person, and does what they say", async () => {
    const flags = [
      "--gateway",
      stack.url,
      "--name",
      "dev",
      "--token-file",
      tokenFile,
      "--manager",
      "systemd",
    ];
    const command = [...AS_SOMEBODY, process.execPath, CLI, "host", "install-service", ...flags];
    const refused = await runInTerminal(command, [["Install the service?", "n"]]);
    expect(refused).toMatchObject({ code: 1, output: expect.stringContaining("Nothing was changed.") });
    expect(existsSync(unitFile())).toBe(false);
    const linger = "Let it linger (`loginctl enable-linger`)?";
    const installed = await runInTerminal(command, [
      ["Install the service?", "y"],
      [linger, "n"],
    ]);
    expect(installed).toMatchObject({ code: 0, output: expect.stringContaining("Workspace dev is online") });
    expect(calls()).not.toContain("loginctl enable-linger");
    const replaced = await runInTerminal(command, [
      ["Replace the service?", "yes"],
      [linger, "y"],
    ]);
    expect(replaced.code).toBe(0);
    expect(calls()).toContain("loginctl enable-linger");
  });

  test("is not written without a yes", async () => {
    const { code, stderr } = await host([
      "install-service",
      "--gateway",
      stack.url,
      "--token-file",
      tokenFile,
    ]);
    expect({ code, said: stderr.split("\n").at(-2) }).toEqual({
      code: 1,
      said: "sallyport: config: There is nobody to ask here: pass --yes to agree to this.",
    });
    expect(filesAtHome()).toEqual(["my $token"]);
    expect(calls().join()).not.toMatch(/reload|enable|restart/);
  });

  test.each<readonly [string, () => Promise<Finished>, RegExp]>([
    ["--token", () => install(["--token", "spt_x"]), /takes no --token.*--token-file FILE/],
    [
      "a token in the environment",
      () => install([], { SALLYPORT_TOKEN: token }),
      /does not see SALLYPORT_TOKEN/,
    ],
    ["no sign-in", () => install(), /You are not signed in/],
    [
      "a proxy's password in the environment",
      () => install(["--token-file", tokenFile], { SALLYPORT_PROXY: "http://u:secret@proxy:1" }),
      /SALLYPORT_PROXY: A proxy's user name and password can be seen/,
    ],
    [
      "a token file that others can read",
      () => {
        writeFileSync(join(person.home, "loose"), token, { mode: 0o644 });
        return install(["--token-file", "loose"]);
      },
      /open to other users: run `chmod 600 /,
    ],
    [
      "a token file without a token",
      () => {
        writeFileSync(join(person.home, "wrong"), "secret", { mode: 0o600 });
        return install(["--token-file", "wrong"]);
      },
      /does not hold an access token/,
    ],
    [
      "what the host would refuse",
      () => install(["--token-file", tokenFile, "--no-account-keys"]),
      /--no-account-keys leaves nobody/,
    ],
    ["--user", () => install(["--token-file", tokenFile, "--user", "root"]), /--user is for services of the/],
    [
      "--system",
      () => install(["--token-file", tokenFile, "--system"]),
      /root's to change: run .* with sudo/,
    ],
  ])("refuses %s, and writes nothing", async (_, attempt, message) => {
    const { code, stderr } = await attempt();
    expect(code).not.toBe(0);
    expect(stderr).toMatch(message);
    expect(stderr).not.toContain("secret");
    expect(existsSync(unitFile())).toBe(false);
  });

  test("leaves a unit alone that somebody else wrote", async () => {
    mkdirSync(join(unitFile(), ".."), { recursive: true });
    writeFileSync(unitFile(), "[Service]\nExecStart=/bin/true\n");
    for (const attempt of [install(["--token-file", tokenFile]), host(["uninstall-service", "--yes"])]) {
      expect((await attempt).stderr).toContain("was not written by `sallyport host install-service`");
    }
    expect(readFileSync(unitFile(), "utf8")).toBe("[Service]\nExecStart=/bin/true\n");
  });

  test("is taken back when it cannot be started", async () => {
    const { code, stderr } = await install(["--token-file", tokenFile], { FAKE_FAILS: "enable" });
    expect(code).toBe(1);
    expect(stderr).toContain(
      "`systemctl --user enable sallyport-host.service` failed: Failed to enable: the test says so",
    );
    expect(existsSync(unitFile())).toBe(false);
  });

  test("is reported with the host's last words when the host ends", async () => {
    writeFileSync(
      tokenFile,
      (await stack.token(await stack.account(`gone${accounts++}`), ["connect"])).token,
    );
    const { code, stderr } = await install(["--token-file", tokenFile]);
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /the host has ended: see `journalctl --user .*`\. Its last words: sallyport: sign-in: /,
    );
    expect(await host(["service-status"])).toMatchObject({ code: 1 });
  });

  test("finds the sign-in of the person, wherever that is kept", async () => {
    const connects = (
      await stack.token(await stack.account(`in${accounts++}`), ["host", "account", "connect"])
    ).token;
    const config = join(person.home, "own config");
    const login = [...AS_SOMEBODY, process.execPath, CLI, "login", stack.url];
    const env = { SALLYPORT_CONFIG: config, SALLYPORT_TOKEN: connects, SALLYPORT_GATEWAY: stack.url };
    const signedIn = await run(login, env);
    expect(signedIn.code, signedIn.stderr).toBe(0);
    expect(await install([], { SALLYPORT_CONFIG: config })).toMatchObject({ code: 0 });
    expect(readUnit(readFileSync(unitFile(), "utf8")).values("Environment")).toEqual([
      `"SALLYPORT_CONFIG=${config}"`,
    ]);
  });

  test("lets the account linger where that is asked for", async () => {
    expect(await install(["--token-file", tokenFile, "--linger"])).toMatchObject({ code: 0 });
    expect(calls()).toContain("loginctl enable-linger");
  });

  test.skipIf(!works(["python3", "-c", "import plistlib"]))("is an agent of launchd on macOS", async () => {
    const file = join(person.home, "Library/LaunchAgents/sallyport-host.plist");
    const launchd = (args: readonly string[]) =>
      run([...AS_SOMEBODY, process.execPath, CLI, "host", ...args, "--manager", "launchd"], {
        FAKE_FILE: file,
      });
    const flags = ["--gateway", stack.url, "--name", "mac", "--token-file", tokenFile, "--yes"];
    expect(await launchd(["install-service", ...flags])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining("Workspace mac is online"),
    });
    const changes = calls().filter((call) => !call.includes("print"));
    const uid = isRoot ? 1000 : process.getuid?.();
    expect(changes).toEqual([
      `launchctl bootout gui/${uid}/sallyport-host`,
      `launchctl enable gui/${uid}/sallyport-host`,
      `launchctl bootstrap gui/${uid} ${file}`,
    ]);
    expect(await launchd(["service-status"])).toMatchObject({ code: 0 });
    expect(await launchd(["uninstall-service", "--yes"])).toMatchObject({ code: 0 });
    expect(existsSync(file)).toBe(false);
  });
});

describe.skipIf(!canMount)("a service of the whole machine", () => {
  test("runs as root unless it is told otherwise, and leaves nothing behind", async () => {
    const file = "/etc/systemd/system/sallyport-host.service";
    const script = `
set -e
mount -t tmpfs none /etc/systemd/system
"$@" install-service --gateway '${stack.url}' --name whole --token-file '${tokenFile}' --state "$HOME/state" --yes
cat ${file}
"$@" service-status --json
"$@" uninstall-service --yes
ls -A /etc/systemd/system`;
    const words = [process.execPath, CLI, "host", "--manager", "systemd"];
    const ran = await run(["unshare", "--mount", "sh", "-c", script, "sh", ...words], { FAKE_FILE: file });
    expect(ran).toMatchObject({ code: 0 });
    expect(ran.stderr).toContain("The host and all of its sessions run as root.");
    const status = ran.stdout.split("\n").find((line) => line.startsWith("{")) ?? "";
    expect(JSON.parse(status)).toMatchObject({
      manager: "systemd-system",
      host: { name: "whole", online: true },
    });
    expect(readUnit(ran.stdout).values("User")).toEqual(["root"]);
    expect(ran.stdout.trimEnd()).toMatch(/are still in .*\/state\.$/);
    expect(calls()).toContain("systemctl restart sallyport-host.service");
    expect(calls().join("\n")).not.toMatch(/--user|loginctl/);
  });
});
