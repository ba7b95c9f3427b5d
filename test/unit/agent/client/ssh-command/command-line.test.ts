import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { splitSshArguments, sshArguments } from "../../../../../agent/client/ssh-command/command-line.ts";

const OWN = { print: false, gateway: true };

describe("the arguments after `sallyport ssh`", () => {
  test.each([
    [["ws"], [], "ws", []],
    [["ws", "--", "ls", "-l"], [], "ws", ["ls", "-l"]],
    [["ws", "ls", "-l", "--help"], [], "ws", ["ls", "-l", "--help"]],
    [["-L", "8080:localhost:80", "-N", "ws"], ["-L", "8080:localhost:80", "-N"], "ws", []],
    [["ws", "-tt", "-p22", "-vvv", "top"], ["-tt", "-p22", "-vvv"], "ws", ["top"]],
    [["ws", "-Nfi", "key"], ["-Nfi", "key"], "ws", []],
    [["ws", "-o", "LogLevel=ERROR", "--", "--print"], ["-o", "LogLevel=ERROR"], "ws", ["--print"]],
    [["--", "ws", "cat", "--", "x"], [], "ws", ["cat", "--", "x"]],
    [["ws", "sh", "-c", "a -- b", "--"], [], "ws", ["sh", "-c", "a -- b", "--"]],
    [[], [], undefined, []],
  ])("%j are sorted as ssh would", (args, options, workspace, command) => {
    expect(splitSshArguments(args, OWN)).toEqual({ own: new Map(), workspace, options, command });
  });

  test("our own options are taken out, before and after the workspace", () => {
    const result = splitSshArguments(["--gateway", "https://g", "ws", "--print", "ls"], OWN);
    expect(result).toMatchObject({ workspace: "ws", command: ["ls"] });
    expect("own" in result && [...result.own]).toEqual([
      ["gateway", "https://g"],
      ["print", true],
    ]);
    expect(splitSshArguments(["--gateway=https://g=h", "ws"], OWN)).toMatchObject({
      own: new Map([["gateway", "https://g=h"]]),
    });
  });

  test.each([
    [["ws", "--frob"], "Unknown option: --frob."],
    [["--gateway"], "--gateway needs a value."],
    [["--print=1", "ws"], "--print takes no value."],
    [["ws", "-L"], "-L needs a value."],
    [["ws", "-z"], "ssh has no option -z."],
    [["--constructor", "ws"], "Unknown option: --constructor."],
  ])("%j is told as a problem", (args, problem) => {
    expect(splitSshArguments(args, OWN)).toEqual({ problem });
  });
});

describe("the argument list for ssh", () => {
  let home: string;
  beforeAll(() => {
    home = mkdtempSync(join(tmpdir(), "sallyport-test-"));
  });
  afterAll(() => {
    rmSync(home, { recursive: true });
  });

  function args(options: readonly string[] = [], command: readonly string[] = []): string[] {
    return sshArguments({
      alias: "web.ada.gw.example",
      knownHosts: join(home, "a 100% b", "known_hosts"),
      proxy: ["/opt/it's 50% off/node", "/opt/cli.js", "tunnel", "https://gw.example", "ws_x"],
      options,
      command,
      platform: "linux",
    });
  }

  /** What a real ssh makes of it. */
  function understood(given: readonly string[]): Map<string, string> {
    const text = execFileSync("ssh", ["-G", ...given], { encoding: "utf8" });
    return new Map(text.split("\n").map((line) => [line.split(" ", 1)[0] ?? "", line.replace(/^\S+ /, "")]));
  }

  test("is understood by a real ssh as it is meant", () => {
    const config = understood(["-F", "none", ...args()]);
    expect(config.get("hostname")).toBe("web.ada.gw.example");
    expect(config.get("hostkeyalias")).toBe("web.ada.gw.example");
    expect(config.get("proxycommand")).toBe(
      "'/opt/it'\\''s 50%% off/node' /opt/cli.js tunnel https://gw.example ws_x",
    );
    expect(config.get("userknownhostsfile")).toBe(join(home, "a 100% b", "known_hosts"));
    expect(config.get("globalknownhostsfile")).toBe(join(home, "a 100% b", "known_hosts"));
    expect(config.get("stricthostkeychecking")).toBe("true");
    expect(config.get("serveraliveinterval")).toBe("30");
    expect(config.has("controlpath")).toBe(false);
  });

  test("keeps the host key check whatever the person's options and configuration say", () => {
    const file = join(home, "config");
    writeFileSync(
      file,
      "Host *\n  StrictHostKeyChecking no\n  UserKnownHostsFile /dev/null\n  ProxyJump evil\n  ControlPath /tmp/%C\n  User ada\n",
    );
    const config = understood([
      "-F",
      file,
      ...args(["-o", "StrictHostKeyChecking=no", "-o", "ServerAliveInterval=5"]),
    ]);
    expect(config.get("stricthostkeychecking")).toBe("true");
    expect(config.get("userknownhostsfile")).toContain("known_hosts");
    expect(config.get("proxycommand")).toContain("tunnel");
    expect(config.has("proxyjump")).toBe(false);
    expect(config.has("controlpath")).toBe(false);
    expect(config.get("serveraliveinterval")).toBe("5");
    expect(config.get("user")).toBe("ada");
  });

  test("leaves a command's own dashes alone", () => {
    expect(args([], ["-v", "x"]).slice(-4)).toEqual(["--", "web.ada.gw.example", "-v", "x"]);
  });
});
