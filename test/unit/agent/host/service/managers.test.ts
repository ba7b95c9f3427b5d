import { describe, expect, test } from "vitest";
import { findManager } from "../../../../../agent/host/service/find-manager.ts";
import { launchdState } from "../../../../../agent/host/service/managers/launchd.ts";
import { openrcState } from "../../../../../agent/host/service/managers/openrc.ts";
import { systemdState } from "../../../../../agent/host/service/managers/systemd.ts";
import { serviceAccount } from "../../../../../agent/host/service/service-account.ts";
import type { Ran, ServiceMachine } from "../../../../../agent/host/service/service-machine.ts";

const ok = (stdout = ""): Ran => ({ code: 0, stdout, stderr: "" });
const failed = (code = 1): Ran => ({ code, stdout: "", stderr: "" });

function machine(more: Partial<ServiceMachine> & { files?: readonly string[] }): ServiceMachine {
  return {
    platform: "linux",
    env: {},
    home: "/home/ada",
    uid: 1000,
    userName: "ada",
    exists: (path) => more.files?.includes(path) ?? false,
    run: async (words) => ok(words[1] === "--version" ? "systemd 252 (252.38)\n" : ""),
    ...more,
  };
}

const anywhere = { manager: undefined, system: false } as const;
const SYSTEMD = ["/run/systemd/system"];
const OPENRC = ["/run/openrc/softlevel"];

describe("the service manager of a machine", () => {
  test.each([
    ["systemd, for a person", machine({ files: SYSTEMD }), "systemd-user", "/home/ada/.config/systemd/user/"],
    ["systemd, for root", machine({ files: SYSTEMD, uid: 0 }), "systemd-system", "/etc/systemd/system/"],
    ["OpenRC", machine({ files: OPENRC, uid: 0 }), "openrc", "/etc/init.d/"],
    [
      "launchd, for a person",
      machine({ platform: "darwin" }),
      "launch-agent",
      "/home/ada/Library/LaunchAgents/",
    ],
    [
      "launchd, for root",
      machine({ platform: "darwin", uid: 0 }),
      "launch-daemon",
      "/Library/LaunchDaemons/",
    ],
  ])("is %s", async (_, here, kind, directory) => {
    const manager = await findManager(anywhere, here);
    expect(manager.kind).toBe(kind);
    expect(manager.file.startsWith(`${directory}sallyport-host`)).toBe(true);
  });

  test("may be told", async () => {
    const manager = await findManager(
      { manager: "openrc", system: false },
      machine({ files: SYSTEMD, uid: 0 }),
    );
    expect(manager.kind).toBe("openrc");
  });

  test("is not there in a container, which is told what to do instead", async () => {
    const here = machine({ files: ["/.dockerenv"], uid: 0 });
    await expect(findManager(anywhere, here)).rejects.toMatchObject({
      code: "no_service_manager",
      message: expect.stringMatching(/^A container has .*CMD \["sallyport", "host"/),
    });
    await expect(findManager(anywhere, machine({ platform: "win32" }))).rejects.toMatchObject({
      code: "no_service_manager",
    });
  });

  test("changes the whole machine only for root", async () => {
    const system = { manager: undefined, system: true } as const;
    await expect(findManager(system, machine({ files: SYSTEMD }))).rejects.toMatchObject({
      code: "not_root",
    });
    await expect(findManager(anywhere, machine({ files: OPENRC }))).rejects.toMatchObject({
      code: "not_root",
    });
  });

  test("runs services of an account only where systemd serves that account", async () => {
    const run = async (words: readonly string[]) =>
      words.includes("--user") ? failed() : ok("systemd 252\n");
    await expect(findManager(anywhere, machine({ files: SYSTEMD, run }))).rejects.toMatchObject({
      code: "no_user_manager",
    });
  });

  test("hands tokens over from systemd 247 on", async () => {
    const of = async (version: number) =>
      (
        await findManager(
          anywhere,
          machine({ uid: 0, files: SYSTEMD, run: async () => ok(`systemd ${version}\n`) }),
        )
      ).handsOverTokens;
    expect([await of(246), await of(247)]).toEqual([false, true]);
  });

  test("has a domain for somebody without a desktop", async () => {
    const run = async (words: readonly string[]) => (words.at(-1) === "gui/1000" ? failed(113) : ok());
    const { start } = await findManager(anywhere, machine({ platform: "darwin", run }));
    expect(start.at(-1)?.words.slice(0, 3)).toEqual(["launchctl", "bootstrap", "user/1000"]);
  });
});

describe("what a manager says of a service", () => {
  const shown = (text: string) => systemdState(text.replaceAll(" ", "\n"));

  test.each([
    ["runs", "ActiveState=active SubState=running UnitFileState=enabled MainPID=7 NRestarts=0", "running"],
    [
      "runs again",
      "ActiveState=active SubState=running UnitFileState=enabled MainPID=7 NRestarts=3",
      "running",
    ],
    [
      "ended",
      "ActiveState=activating SubState=auto-restart UnitFileState=enabled MainPID=0 NRestarts=1",
      "failed",
    ],
    [
      "is given up",
      "ActiveState=failed SubState=failed UnitFileState=enabled MainPID=0 NRestarts=0",
      "failed",
    ],
    [
      "is stopped",
      "ActiveState=inactive SubState=dead UnitFileState=disabled MainPID=0 NRestarts=0",
      "stopped",
    ],
    ["is unknown", "", "stopped"],
  ])("of systemd: it %s", (_, text, is) => {
    expect(shown(text).is).toBe(is);
  });

  test("of systemd: whether it starts by itself, and its process", () => {
    expect(shown("ActiveState=active SubState=running UnitFileState=disabled MainPID=7")).toEqual({
      words: "active (running)",
      is: "running",
      enabled: false,
      pid: 7,
    });
  });

  test("of OpenRC", () => {
    const runlevel = ok(" sallyport-host | default\n");
    expect(openrcState(ok(" * status: started\n"), runlevel)).toMatchObject({
      words: "started",
      is: "running",
      enabled: true,
    });
    expect(openrcState({ code: 32, stdout: " * status: crashed\n", stderr: "" }, ok())).toMatchObject({
      words: "crashed",
      is: "failed",
      enabled: false,
    });
    expect(openrcState(failed(3), failed())).toMatchObject({ is: "stopped", enabled: undefined });
  });

  test("of launchd", () => {
    const print = "gui/501/sallyport-host = {\n\tactive count = 1\n\tstate = running\n\n\tpid = 4711\n}\n";
    expect(launchdState(ok(print))).toMatchObject({ words: "running", is: "running", pid: 4711 });
    const ended = "x = {\n\tstate = spawn scheduled\n\tlast exit code = 1\n}\n";
    expect(launchdState(ok(ended))).toMatchObject({
      is: "failed",
      words: "spawn scheduled (last exit code 1)",
    });
    expect(launchdState(failed(113))).toMatchObject({ is: "stopped", words: "not loaded" });
  });
});

describe("the account of a service", () => {
  const run = async ([program, ...args]: readonly string[]): Promise<Ran> => {
    if (program === "id") return args[1] === "root" ? ok("0\n") : args[1] === "ada" ? ok("1000\n") : failed();
    return ok(args[1] === "echo ~root" ? "/root\n" : "/home/ada\n");
  };
  const root = machine({ uid: 0, userName: "root", home: "/home/who-called-sudo", run });

  test("is root's for the whole machine, with root's home whatever sudo left in HOME", async () => {
    expect(await serviceAccount(undefined, true, root)).toMatchObject({
      name: "root",
      isSelf: false,
      paths: { home: "/root", env: {} },
    });
    expect(await serviceAccount(undefined, true, { ...root, home: "/root" })).toMatchObject({ isSelf: true });
    expect(await serviceAccount("ada", true, root)).toMatchObject({
      uid: 1000,
      isSelf: false,
      paths: { home: "/home/ada" },
    });
  });

  test.each(["nobody-here", "$(id)", "a b", "-u"])("is not %j", async (name) => {
    await expect(serviceAccount(name, true, root)).rejects.toMatchObject({ code: "no_such_account" });
  });

  test("is a different one only for the whole machine", async () => {
    await expect(serviceAccount("bob", false, machine({ run }))).rejects.toMatchObject({
      code: "user_without_system",
    });
  });
});
