import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { launchdPlist } from "../../../../../agent/host/service/managers/launchd-plist.ts";
import { openrcScript } from "../../../../../agent/host/service/managers/openrc-script.ts";
import { systemdUnit } from "../../../../../agent/host/service/managers/systemd-unit.ts";
import { readRecord } from "../../../../../agent/host/service/record.ts";
import { refuseControlCharacters, type Service } from "../../../../../agent/host/service/service.ts";
import { readUnit, unitWords } from "../../../../support/programs/systemd-unit.ts";

/** What each of the three forms reads in its own way. */
const HARD = [
  "plain",
  "",
  "two  words",
  "100%",
  "%h%%",
  "$HOME",
  `$${"{HOME}"}`,
  "$$",
  "it's",
  'a "quote"',
  "back\\slash\\",
  "`id`",
  "$(id)",
  ";",
  "&",
  "<tag>&amp;",
  "]]>",
  "--",
  "-->",
  "ümläut 😀",
  "#",
  "*",
  "~",
  "=x",
];

function serviceOf(words: readonly string[], more: Partial<Service> = {}): Service {
  return {
    program: ["/opt/sallyport/sallyport"],
    args: ["host", ...words],
    tokenFile: undefined,
    handsOverToken: false,
    state: "/home/ada/.local/state/sallyport/host",
    user: undefined,
    home: "/home/ada",
    env: {},
    logFile: undefined,
    ...more,
  };
}

const word = fc.oneof(
  fc.constantFrom(...HARD),
  fc.string({ unit: "grapheme" }).filter((text) => !/\p{Cc}/u.test(text) && text.isWellFormed()),
);
const words = fc.array(word, { maxLength: 8 });

function has(program: string, ...args: string[]): boolean {
  return spawnSync(program, args).status === 0;
}

describe("a service's file", () => {
  test("says who wrote it, what it starts and where the host keeps its state, whatever the paths are", () => {
    const places = fc.record({ program: fc.array(word, { minLength: 1, maxLength: 3 }), state: word });
    fc.assert(
      fc.property(places, ({ program, state }) => {
        const service = serviceOf([], { program: ["/p", ...program], state });
        const record = { program: ["/p", ...program], state };
        expect(readRecord(systemdUnit(service, 252))).toEqual(record);
        expect(readRecord(launchdPlist(service))).toEqual(record);
        expect(readRecord(openrcScript(service))).toEqual(record);
      }),
    );
    expect(readRecord("[Service]\nExecStart=/usr/bin/sallyport host\n")).toBeUndefined();
  });

  test.each(["a\nExecStartPre=/bin/evil", "a\rb", "a\0b", "a\x1bb"])("never holds %j", (bad) => {
    for (const service of [
      serviceOf([bad]),
      serviceOf([], { tokenFile: bad }),
      serviceOf([], { state: bad }),
      serviceOf([], { program: [bad] }),
      serviceOf([], { env: { SALLYPORT_PROXY_FILE: bad } }),
    ]) {
      expect(() => refuseControlCharacters(service)).toThrow(/control character/);
    }
  });
});

describe("a unit of systemd", () => {
  const unit = (service: Service, version = 252) => readUnit(systemdUnit(service, version));

  test("starts exactly the words of the host's command line", () => {
    fc.assert(
      fc.property(words, (given) => {
        const service = serviceOf(given, { tokenFile: "/home/ada/a $token%" });
        expect(unit(service).command({ HOME: "/wrong" })).toEqual([
          "/opt/sallyport/sallyport",
          "host",
          ...given,
          "--token-file",
          "/home/ada/a $token%",
        ]);
      }),
    );
  });

  test("hands a token of root's to the service of a different account", () => {
    const given = unit(
      serviceOf([], { user: "ada", tokenFile: "/etc/sallyport/a token 5%", handsOverToken: true }),
    );
    expect(given.values("LoadCredential")).toEqual(["host-token:/etc/sallyport/a token 5%%"]);
    expect(given.command({ CREDENTIALS_DIRECTORY: "/run/credentials/x" }).slice(-2)).toEqual([
      "--token-file",
      "/run/credentials/x/host-token",
    ]);
    expect(given.values("User")).toEqual(["ada"]);
  });

  test("starts again for ever, leaves people's processes alone, and gives sessions the usual limits", () => {
    const given = unit(serviceOf([]));
    expect(given.values("Restart")).toEqual(["always"]);
    expect(given.values("StartLimitIntervalSec")).toEqual(["0"]);
    expect(given.values("RestartPreventExitStatus")).toEqual(["2"]);
    expect(given.values("KillMode")).toEqual(["process"]);
    expect(given.values("OOMPolicy")).toEqual(["continue"]);
    expect(given.values("LimitNOFILE")).toEqual(["1024:524288"]);
    for (const shut of ["ProtectHome", "ProtectSystem", "PrivateTmp", "NoNewPrivileges"]) {
      expect(given.values(shut)).toEqual([]);
    }
  });

  test("has the variables that the host needs, quoted", () => {
    const [line] = unit(serviceOf([], { env: { SALLYPORT_PROXY_FILE: '/a "b" 5%' } })).values("Environment");
    expect(unitWords(line ?? "")).toEqual(['SALLYPORT_PROXY_FILE=/a "b" 5%']);
  });

  test("is one of an account or of the machine", () => {
    expect(unit(serviceOf([])).values("WantedBy")).toEqual(["default.target"]);
    expect(unit(serviceOf([])).values("User")).toEqual([]);
    const system = unit(serviceOf([], { user: "root" }));
    expect(system.values("WantedBy")).toEqual(["multi-user.target"]);
    expect(system.values("After")).toEqual(["network-online.target"]);
  });

  test("uses no key that its systemd does not know", () => {
    expect(unit(serviceOf([]), 239).values("OOMPolicy")).toEqual([]);
    expect(unit(serviceOf([]), 252).values("RestartSteps")).toEqual([]);
    expect(unit(serviceOf([]), 254).values("RestartSteps")).toEqual(["6"]);
  });

  test.each(['"', "'", "\\"])("refuses a program whose path has a %s, as systemd does", (character) => {
    const service = serviceOf([], { program: [`/opt/${character}/sallyport`] });
    expect(() => systemdUnit(service, 252)).toThrow(/systemd cannot start/);
  });

  test.skipIf(!has("systemd-analyze", "--version"))("is one that systemd takes", () => {
    const directory = mkdtempSync(join(tmpdir(), "sallyport-unit-"));
    try {
      const place = join(directory, "a $HOME 5% ü");
      mkdirSync(place);
      const program = join(place, "sallyport");
      writeFileSync(program, "#!/bin/sh\n", { mode: 0o755 });
      const shown = execFileSync("systemd-analyze", ["--version"], { encoding: "utf8" });
      const version = Number(/^systemd (\d+)/.exec(shown)?.[1]);
      const verify = (text: string) => {
        const file = join(directory, "sallyport-host.service");
        writeFileSync(file, text);
        const args = ["verify", "--man=no", "--recursive-errors=no", file];
        const { status, stderr } = spawnSync("systemd-analyze", args, { encoding: "utf8" });
        return { status, stderr };
      };
      for (const more of [
        {},
        { user: "root", tokenFile: "/etc/a token%", handsOverToken: true },
        { env: { SALLYPORT_PROXY_FILE: '/a "b" 5%' }, tokenFile: "/t" },
      ]) {
        const text = systemdUnit(serviceOf(HARD, { program: [program], ...more }), version);
        expect(verify(text)).toEqual({ status: 0, stderr: "" });
      }
      // The check finds what is wrong.
      const text = systemdUnit(serviceOf([], { program: [`${program}-missing`] }), version);
      expect(verify(text).status).not.toBe(0);
      expect(verify(systemdUnit(serviceOf([], { program: [program] }), 9999)).stderr).toContain(
        "RestartSteps",
      );
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });
});

describe("a property list of launchd", () => {
  test.skipIf(!has("python3", "-c", "import plistlib"))("is read as what was meant", () => {
    const given = fc.sample(words, { numRuns: 60, seed: 1 });
    const services = [HARD, ...given].map((each) =>
      serviceOf(each, {
        tokenFile: "/a <token> & more",
        user: "ada",
        env: { SALLYPORT_PROXY_FILE: "/a&b" },
        logFile: "/Library/Logs/x.log",
      }),
    );
    const code =
      "import sys,json,plistlib; print(json.dumps([plistlib.loads(p.encode()) for p in json.load(sys.stdin)]))";
    const input = JSON.stringify(services.map(launchdPlist));
    const read: unknown = JSON.parse(execFileSync("python3", ["-c", code], { input, encoding: "utf8" }));
    expect(read).toEqual(
      services.map(({ program, args }) => ({
        Label: "sallyport-host",
        ProgramArguments: [...program, ...args, "--token-file", "/a <token> & more"],
        UserName: "ada",
        EnvironmentVariables: { HOME: "/home/ada", SALLYPORT_PROXY_FILE: "/a&b" },
        RunAtLoad: true,
        KeepAlive: true,
        ThrottleInterval: 10,
        AbandonProcessGroup: true,
        ProcessType: "Interactive",
        ExitTimeOut: 20,
        StandardOutPath: "/Library/Logs/x.log",
        StandardErrorPath: "/Library/Logs/x.log",
      })),
    );
  });
});

describe("an init script of OpenRC", () => {
  /** As OpenRC's own scripts start supervise-daemon (sh/supervise-daemon.sh). */
  const EVALUATED = `. "$1"; eval set -- $command $command_args; for word; do printf '%s\\0' "$word"; done`;

  test.each(
    [["sh"], ["busybox"]].filter(([shell = ""]) =>
      has(shell, ...(shell === "busybox" ? ["true"] : ["-c", "true"])),
    ),
  )("starts exactly the words of the host's command line (%s)", (shell) => {
    const directory = mkdtempSync(join(tmpdir(), "sallyport-openrc-"));
    try {
      for (const given of [HARD, ...fc.sample(words, { numRuns: 20, seed: 2 })]) {
        const file = join(directory, "script");
        const service = serviceOf(given, {
          program: ["/usr/bin/node-24", "/opt/cli.js"],
          tokenFile: "/etc/a 'token' $HOME",
          user: "ada",
          logFile: "/var/log/x.log",
        });
        writeFileSync(file, openrcScript(service));
        const run = shell === "busybox" ? ["sh", "-c"] : ["-c"];
        execFileSync(shell, [...run.slice(0, -1), "-n", file]);
        const output = execFileSync(shell, [...run, EVALUATED, "sh", file], { encoding: "utf8" });
        expect(output.split("\0").slice(0, -1)).toEqual([
          "/usr/bin/node-24",
          "/opt/cli.js",
          "host",
          ...given,
          "--token-file",
          "/etc/a 'token' $HOME",
        ]);
      }
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });

  test("names the account, unless it is root", () => {
    expect(openrcScript(serviceOf([], { user: "ada" }))).toContain("command_user=ada\n");
    expect(openrcScript(serviceOf([], { user: "root" }))).not.toContain("command_user");
  });

  test("refuses a program whose path OpenRC would take apart", () => {
    expect(() => openrcScript(serviceOf([], { program: ['/opt/"x"/s'] }))).toThrow(/OpenRC cannot start/);
    expect(() => openrcScript(serviceOf([], { program: ["/opt/a b"] }))).toThrow(/OpenRC cannot start/);
  });
});
