// `sallyport host install-service` and its siblings, from the first question to the last trace.

import { chmodSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import manifest from "../../../package.json" with { type: "json" };
import { CLI } from "../../../scripts/repository.ts";
import { TestStack } from "../../support/link.ts";
import { readUnit } from "../../support/programs/systemd-unit.ts";
import { canBeSomebody, isRoot, ServiceWorld, works } from "./service-world.ts";

const canMount = isRoot && works(["unshare", "--mount", "mount", "-t", "tmpfs", "none", "/mnt"]);
if (!canMount) console.warn("skipped: only root can put a directory over /etc/systemd/system");

let stack: TestStack;
let world: ServiceWorld;
beforeAll(async () => {
  stack = await TestStack.start();
});
afterAll(() => stack.close());
beforeEach(async () => {
  world = await ServiceWorld.start(stack);
});
afterEach(() => world.close());

describe.skipIf(!canBeSomebody)("a service of an account", () => {
  test("is shown, written and started, says what it is, is replaced, and goes without a trace", async () => {
    const installed = await world.install(["--token-file", "my $token", "--verbose"]);
    expect(installed).toMatchObject({ code: 0 });
    expect(installed.stdout).toContain(`Workspace dev is online at ${stack.url}`);
    const text = readFileSync(world.unitFile, "utf8");
    for (const line of text.trimEnd().split("\n")) expect(installed.stderr).toContain(`    ${line}\n`);
    expect(text).not.toContain(world.token);
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
      join(world.home, ".local/state/sallyport/host"),
      "--token-file",
      world.tokenFile,
    ]);
    const changes = () => world.calls().filter((call) => /reload|enable|restart|disable|reset/.test(call));
    const start = ["daemon-reload", "enable sallyport-host.service", "restart sallyport-host.service"];
    expect(changes()).toEqual(start.map((call) => `systemctl --user ${call}`));
    // Nothing but an explanation without a yes of its own.
    expect(installed.stderr).toContain("run `loginctl enable-linger`");

    const status = await world.host(["service-status", "--json"]);
    expect(status.code).toBe(0);
    expect(JSON.parse(status.stdout)).toMatchObject({
      installed: true,
      manager: "systemd-user",
      file: world.unitFile,
      service: { is: "running", enabled: true },
      host: { gateway: stack.url, name: "dev", online: true },
      version: { running: manifest.version, installed: manifest.version },
    });
    expect((await world.host(["service-status"])).stdout).toMatch(/Workspace +dev at .*, online\n/);

    const replaced = await world.install(["--token-file", world.tokenFile, "--no-owner-token"]);
    expect(replaced.stdout, replaced.stderr).toContain("Workspace dev is online");
    expect(readUnit(readFileSync(world.unitFile, "utf8")).command({})).toContain("--no-owner-token");
    expect(replaced.stderr).toContain(`This replaces ${world.unitFile}`);

    const removed = await world.host(["uninstall-service", "--yes"]);
    expect(removed).toMatchObject({ code: 0 });
    expect(world.calls()).toContain("systemctl --user disable --now sallyport-host.service");
    expect(existsSync(join(world.fake, "pid"))).toBe(false);
    const state = ".local/state/sallyport/host";
    expect(world.filesAtHome()).toEqual([
      ...["ssh_host_ecdsa_key", "ssh_host_ed25519_key", "ssh_host_rsa_key", "state.json"].map(
        (name) => `${state}/${name}`,
      ),
      "my $token",
    ]);
    expect(await world.host(["service-status"])).toMatchObject({ code: 1 });
    expect(await world.host(["uninstall-service", "--yes"])).toMatchObject({ code: 0 });
  });

  test("asks a person, and does what they say", async () => {
    const flags = [
      "--gateway",
      stack.url,
      "--name",
      "dev",
      "--token-file",
      world.tokenFile,
      "--manager",
      "systemd",
    ];
    const command = world.sallyport("host", "install-service", ...flags);
    const refused = await world.runInTerminal(command, [["Install the service?", "n"]]);
    expect(refused).toMatchObject({ code: 1, output: expect.stringContaining("Nothing was changed.") });
    expect(existsSync(world.unitFile)).toBe(false);
    const linger = "Let it linger (`loginctl enable-linger`)?";
    const installed = await world.runInTerminal(command, [
      ["Install the service?", "y"],
      [linger, "n"],
    ]);
    expect(installed).toMatchObject({ code: 0, output: expect.stringContaining("Workspace dev is online") });
    expect(world.calls()).not.toContain("loginctl enable-linger");
    const replaced = await world.runInTerminal(command, [
      ["Replace the service?", "yes"],
      [linger, "y"],
    ]);
    expect(replaced.code).toBe(0);
    expect(world.calls()).toContain("loginctl enable-linger");
  });

  test("is taken back when it cannot be started", async () => {
    const { code, stderr } = await world.install(["--token-file", world.tokenFile], { FAKE_FAILS: "enable" });
    expect(code).toBe(1);
    expect(stderr).toContain(
      "`systemctl --user enable sallyport-host.service` failed: Failed to enable: the test says so",
    );
    expect(existsSync(world.unitFile)).toBe(false);
  });

  test("is reported with the host's last words when the host ends", async () => {
    writeFileSync(world.tokenFile, await world.newToken(["connect"]));
    const { code, stderr } = await world.install(["--token-file", world.tokenFile]);
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /the host has ended: see `journalctl --user .*`\. Its last words: sallyport: sign-in: /,
    );
    expect(await world.host(["service-status"])).toMatchObject({ code: 1 });
  });

  test("finds the sign-in of the person, wherever that is kept", async () => {
    const connects = await world.newToken(["host", "account", "connect"]);
    const config = join(world.home, "own config");
    const login = world.sallyport("login", stack.url);
    const env = { SALLYPORT_CONFIG: config, SALLYPORT_TOKEN: connects, SALLYPORT_GATEWAY: stack.url };
    const signedIn = await world.run(login, env);
    expect(signedIn.code, signedIn.stderr).toBe(0);
    expect(await world.install([], { SALLYPORT_CONFIG: config })).toMatchObject({ code: 0 });
    expect(readUnit(readFileSync(world.unitFile, "utf8")).values("Environment")).toEqual([
      `"SALLYPORT_CONFIG=${config}"`,
    ]);
  });

  test("lets the account linger where that is asked for", async () => {
    expect(await world.install(["--token-file", world.tokenFile, "--linger"])).toMatchObject({ code: 0 });
    expect(world.calls()).toContain("loginctl enable-linger");
  });

  test.skipIf(!works(["python3", "-c", "import plistlib"]))("is an agent of launchd on macOS", async () => {
    const file = join(world.home, "Library/LaunchAgents/sallyport-host.plist");
    const launchd = (args: readonly string[]) =>
      world.run(world.sallyport("host", ...args, "--manager", "launchd"), {
        FAKE_FILE: file,
      });
    const flags = ["--gateway", stack.url, "--name", "mac", "--token-file", world.tokenFile, "--yes"];
    expect(await launchd(["install-service", ...flags])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining("Workspace mac is online"),
    });
    const changes = world.calls().filter((call) => !call.includes("print"));
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
"$@" install-service --gateway '${stack.url}' --name whole --token-file '${world.tokenFile}' --state "$HOME/state" --yes
cat ${file}
"$@" service-status --json
"$@" uninstall-service --yes
ls -A /etc/systemd/system`;
    const exposed = join(world.home, "exposed");
    mkdirSync(exposed);
    chmodSync(exposed, 0o777);
    symlinkSync(CLI, join(exposed, "cli.js"));
    const words = [process.execPath, join(exposed, "cli.js"), "host", "--manager", "systemd"];
    const ran = await world.run(["unshare", "--mount", "sh", "-c", script, "sh", ...words], {
      FAKE_FILE: file,
    });
    expect(ran).toMatchObject({ code: 0 });
    expect(ran.stderr).toContain("The host and all of its sessions run as root.");
    expect(ran.stderr).toContain(`Others than root can change ${exposed}, and so what root will run`);
    const status = ran.stdout.split("\n").find((line) => line.startsWith("{")) ?? "";
    expect(JSON.parse(status)).toMatchObject({
      manager: "systemd-system",
      host: { name: "whole", online: true },
    });
    expect(readUnit(ran.stdout).values("User")).toEqual(["root"]);
    expect(ran.stdout.trimEnd()).toMatch(/are still in .*\/state\.$/);
    expect(world.calls()).toContain("systemctl restart sallyport-host.service");
    expect(world.calls().join("\n")).not.toMatch(/--user|loginctl/);
  });
});
