// Alpine, with musl and no shell but busybox's: gateway (with two workers), host and companion run there, and people use them with
// an ssh of a different system.

import { readFileSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { quoteForShell } from "../../../protocol/values/shell-word.ts";
import { CHECKS } from "../../../scripts/demo/checks.ts";
import { until } from "../../support/until.ts";
import { releaseFile } from "../support/release.ts";
import { type HostInside, sshInto, startHostInside } from "./host-inside.ts";
import { type InstalledStack, PROGRAM, startInstalledStack, whyNot } from "./installed-stack.ts";

const reason = whyNot("alpine", "linux-musl-x64");
if (reason !== undefined) console.warn(`skipped: Alpine: ${reason}`);

describe.skipIf(reason !== undefined)("in Alpine", () => {
  let inside: InstalledStack;
  beforeAll(async () => {
    inside = await startInstalledStack("alpine", "linux-musl-x64", ["--workers", "2"]);
  });
  afterAll(async () => {
    await inside?.[Symbol.asyncDispose]();
  });

  const version = async (program: string) =>
    JSON.parse((await inside.container.run([program, "version", "--verbose", "--json"])).stdout);

  test("ciphers are native, and there are terminals", async () => {
    expect(await version(PROGRAM)).toMatchObject({
      platform: "linux-x64",
      native: { sshCiphers: true, terminals: true },
    });
  });

  test("the one file that unpacks itself is the same program", async () => {
    const file = "/root/sallyport";
    writeFileSync(inside.container.outside(file), readFileSync(releaseFile("sallyport-linux-musl-x64")), {
      mode: 0o755,
    });
    for (let start = 0; start < 2; start++) {
      expect(await version(file)).toMatchObject({ native: { sshCiphers: true, terminals: true } });
    }
  });

  test("there really is no bash", async () => {
    expect((await inside.container.run(["sh", "-c", "command -v bash || readlink -f /bin/sh"])).stdout).toBe(
      "/bin/busybox\n",
    );
  });

  test("the gateway has its workers", async () => {
    const { stdout } = await inside.container.run(["ps", "-o", "args"]);
    expect(
      stdout.split("\n").filter((line) => /sallyport.* gateway /.test(line)).length,
    ).toBeGreaterThanOrEqual(3);
  });

  test.each(CHECKS.map((check) => [check.name, check] as const))("%s", async (_, check) => {
    const { directory, workspace, stack } = inside;
    const signal = AbortSignal.timeout(240_000);
    await check.run({ directory, workspace, sshConfig: stack.sshConfig, signal, show: () => {} });
  });

  test("input without a terminal is an unnamed pipe, and no descriptors are left open", async () => {
    const { stdout } = await sshInto(
      inside,
      inside.workspace,
      // A shell that makes a pipe has one more descriptor for a moment, and one that ends with a command becomes it.
      "readlink /proc/self/fd/0 | sed 's/:.*//'; ls /proc/$$/fd; true",
    );
    expect(stdout).toBe("pipe\n0\n1\n2\n");
  });

  test("as process 1 of a container the host reaps what sessions leave behind, and ends when it is stopped", async () => {
    const host = await startHostInside(inside, {
      name: "first",
      before: ["unshare", "-p", "-f", "--mount-proc"],
      args: ["--state", "/root/first"],
    });
    try {
      const first = await sshInto(inside, "first", "tr '\\0' ' ' </proc/1/cmdline");
      expect(first.stdout).toMatch(/^sh -c /);
      // The shell in between ends at once, so that the sleep's parent is process 1, which has to wait for it.
      const orphan =
        "pid=$(sh -c 'sleep 0.5 >/dev/null & echo $!'); sed -n 's/^PPid:[^0-9]*//p' /proc/$pid/status; " +
        "for i in $(seq 200); do [ -e /proc/$pid ] || { echo gone; exit; }; sleep 0.1; done; cat /proc/$pid/status";
      expect(await sshInto(inside, "first", orphan)).toMatchObject({ code: 0, stdout: "1\ngone\n" });
      // As an engine stops a container.
      await sshInto(inside, "first", "kill -TERM 1");
      await host.exited;
    } finally {
      await host.stop();
    }
  });

  test.each<readonly [string, HostInside, RegExp | undefined]>([
    ["a user id without an entry, and HOME unset", { name: "nobody", uid: 12345 }, /identity is in \//],
    [
      "HOME=/, which cannot be written to",
      { name: "root-home", uid: 12346, env: { HOME: "/" } },
      /identity is in \//,
    ],
    [
      "a user id without an entry, and a state directory of its own",
      { name: "stateful", uid: 12347, args: ["--state", "/tmp/stateful"] },
      undefined,
    ],
  ])("a host runs with %s", async (_, given, warning) => {
    const host = await startHostInside(inside, given);
    try {
      const said = readFileSync(host.logFile, "utf8");
      if (warning === undefined) expect(said).not.toContain("cannot be");
      else expect(said).toMatch(warning);
      expect(await sshInto(inside, given.name, "id -u; exit 5")).toMatchObject({
        code: 5,
        stdout: `${given.uid}\n`,
      });
    } finally {
      await host.stop();
    }
  });

  test("OpenRC keeps a host running, with exactly the words that it was given", async () => {
    const { container, stack } = inside;
    const folder = "/root/two  spaces, 'quotes', a * and $HOME";
    const prepare = 'mkdir -p /run/openrc "$1" && touch /run/openrc/softlevel';
    expect(await container.run(["sh", "-c", prepare, "sh", folder])).toMatchObject({ code: 0 });
    const tokenFile = "/root/host token";
    writeFileSync(container.outside(tokenFile), readFileSync(stack.gateway.tokenFile), { mode: 0o600 });
    const env = { HOME: "/root", SALLYPORT_KEYCHAIN: "off" };
    const sallyport = (...args: string[]) => container.run([PROGRAM, "host", ...args], { env });
    const flags = [
      "--gateway",
      stack.gateway.url,
      "--name",
      "rc",
      "--token-file",
      tokenFile,
      "--cwd",
      folder,
    ];
    const installed = await sallyport("install-service", ...flags, "--yes");
    expect(installed).toMatchObject({ code: 0, stdout: expect.stringContaining("Workspace rc is online") });
    const script = readFileSync(container.outside("/etc/init.d/sallyport-host"), "utf8");
    expect(script).toContain(`\ncommand=${PROGRAM}\n`);

    const status = async () => JSON.parse((await sallyport("service-status", "--json")).stdout);
    const first = await status();
    expect(first).toMatchObject({
      manager: "openrc",
      service: { is: "running", enabled: true },
      host: { name: "rc", online: true },
    });
    const words = await container.run(["cat", `/proc/${first.host.pid}/cmdline`]);
    expect(words.stdout.split("\0").slice(1, -1)).toEqual([
      "host",
      ...["--gateway", stack.gateway.url, "--name", "rc", "--cwd", folder],
      ...["--state", "/root/.local/state/sallyport/host", "--token-file", tokenFile],
    ]);
    expect(await sshInto(inside, "rc", "pwd")).toMatchObject({ code: 0, stdout: `${folder}\n` });

    const anotherThan = (pid: number) =>
      until(async () => {
        const { host } = await status();
        return host?.online === true && host.pid !== pid && host;
      }, 60_000);
    await container.run(["kill", "-9", String(first.host.pid)]);
    const second = await anotherThan(first.host.pid);

    // From a terminal that the host itself gives, and that ends when the host is stopped for the restart.
    const again = [PROGRAM, "host", "install-service", ...flags, "--yes"].map(quoteForShell).join(" ");
    await sshInto(inside, "rc", `HOME=/root ${again}`, ["-tt"]);
    await anotherThan(second.pid);

    expect(await sallyport("uninstall-service", "--yes")).toMatchObject({ code: 0 });
    const left = "ls /etc/init.d/sallyport-host /etc/runlevels/*/sallyport-host /var/log/sallyport-host.log";
    expect(await container.run(["sh", "-c", left])).toMatchObject({ code: 1, stdout: "" });
    const { stdout } = await container.run(["ps", "-o", "args"]);
    expect(stdout).not.toContain("--name rc");
    expect(await sallyport("service-status")).toMatchObject({ code: 1 });
  });
});
