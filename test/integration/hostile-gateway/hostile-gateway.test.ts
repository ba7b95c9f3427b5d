// What a hostile gateway can do to its users. The tests use the real commands, the machine's own ssh, and the
// configuration of a person who sends every connection through a proxy, as in a company.

import { execFile } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { spawn } from "@lydell/node-pty";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { newAccessToken } from "../../../protocol/values/token.ts";
import { CLI } from "../../../scripts/repository.ts";
import { Person } from "../../support/cli.ts";
import { shortAndLong } from "../../support/long.ts";
import { HostileGateway, KEY, Refusal } from "./hostile-gateway.ts";

let gateway: HostileGateway;
let person: Person;
let config: string;
let marker: string;
let proxied: string;

beforeEach(async () => {
  gateway = await HostileGateway.start();
  person = new Person();
  person.env.SALLYPORT_GATEWAY = gateway.url;
  expect(await person.run(["login"], newAccessToken())).toMatchObject({ code: 0 });
  mkdirSync(join(person.home, ".ssh"), { mode: 0o700 });
  config = join(person.home, ".ssh", "config");
  marker = join(person.home, "marker");
  proxied = join(person.home, "proxied");
  const corkscrew = join(person.home, "corkscrew");
  writeFileSync(corkscrew, `#!/bin/sh\nprintf '%s\\n' "$@" > ${proxied}\n`);
  chmodSync(corkscrew, 0o700);
  writeFileSync(config, `Host *\n  ProxyCommand ${corkscrew} proxy 8080 %h %p\n`, { mode: 0o600 });
});
afterEach(async () => {
  person.close();
  await gateway.close();
});

const managed = () => join(person.home, ".ssh", "sallyport", "config");
const jump = () => `_gateway.127.0.0.1-${new URL(gateway.url).port}`;

/** Runs ssh with the person's whole configuration, to the address that the gateway gives for its SSH port. */
function ssh(): Promise<void> {
  return new Promise((done) => {
    const args = ["-F", config, "-o", "BatchMode=yes", "-T", jump(), "true"];
    execFile("ssh", args, { env: person.env, cwd: person.home, timeout: 30_000 }, () => done()).stdin?.end();
  });
}

/** Runs the command on a terminal, and types `answer` when it asks. */
function onTerminal(answer: string, ...args: string[]): Promise<{ code: number; output: string }> {
  return new Promise((done) => {
    // A shell keeps the terminal open: node-pty drops unread output 200 ms after the end of its program.
    const script = ["-c", '"$@"; echo "ended with $?"; read -r _', "sh", process.execPath, CLI, ...args];
    const terminal = spawn("/bin/sh", script, { env: person.env, cwd: person.home, cols: 200 });
    let output = "";
    let asked = false;
    terminal.onData((part) => {
      output += part;
      const ended = /ended with (\d+)/.exec(output);
      if (ended !== null) {
        done({ code: Number(ended[1]), output });
        terminal.kill();
      }
      if (asked || !output.includes("[y/N]")) return;
      asked = true;
      terminal.write(`${answer}\r`);
    });
  });
}

describe("the host of a gateway's SSH port", () => {
  test("is the address that the person's own proxy command gets", async () => {
    expect(await person.run(["config-ssh", "--yes"])).toMatchObject({ code: 0 });
    await ssh();
    expect(readFileSync(proxied, "utf8")).toBe("proxy\n8080\n127.0.0.1\n2222\n");
  });

  // The path is relative to the person's home, where ssh runs, since ssh makes the letters of a host name
  // small.
  const hosts: [string, () => string][] = [
    ["a command", () => "$(touch marker)"],
    ["a command behind another", () => "127.0.0.1;touch marker;"],
    ["a command in backticks", () => "`touch marker`"],
    ["an option of ssh", () => "-oProxyCommand=touch marker"],
    ["another setting", () => "127.0.0.1\n  ProxyCommand touch marker"],
    ["text that runs backwards", () => "elpmaxe.\u202eyawetag"],
    ["a token of ssh_config", () => "%n"],
    ["5,000 characters", () => "a.".repeat(2_500)],
  ];
  for (const [some, options] of shortAndLong(hosts, 3)) {
    test.each(some)(
      "never gets into a configuration, a shell or known_hosts if it is %s",
      options,
      async (_, host) => {
        gateway.answers.set(
          "/.well-known/sallyport",
          gateway.discovery({ ssh: { host: host(), port: 2222 } }),
        );
        const written = await person.run(["config-ssh", "--yes"]);
        expect(written).toMatchObject({ code: 1, stdout: "" });
        expect(written.stderr).toContain("(ssh/host)");
        expect(existsSync(managed())).toBe(false);
        expect(readFileSync(config, "utf8")).not.toContain("Include");
        expect(await person.run(["known-hosts"])).toMatchObject({ code: 1, stdout: "" });
        await ssh();
        expect(existsSync(marker)).toBe(false);
      },
    );
  }

  test("is removed from a configuration of an earlier version when a newer one writes it", async () => {
    expect(await person.run(["config-ssh", "--yes"])).toMatchObject({ code: 0 });
    const before = readFileSync(managed(), "utf8");
    writeFileSync(managed(), before.replace("HostName 127.0.0.1", 'HostName "$(touch marker)"'));
    // A gateway that cannot be asked keeps its sections, if Sallyport could have written them.
    const other = await HostileGateway.start();
    await person.run(["login", other.url], newAccessToken());
    await gateway.close();
    const again = await person.run(["config-ssh", "--yes"], "", { SALLYPORT_GATEWAY: "" });
    gateway = other;
    expect(again).toMatchObject({ code: 0 });
    expect(readFileSync(managed(), "utf8")).not.toContain("touch");
  });
});

describe("the other answers of a gateway", () => {
  const cases: [string, () => [string, unknown]][] = [
    ["an account", () => ["/api/v1/workspaces", [gateway.workspace({ owner: "ada\nHost *" })]]],
    ["a workspace's name", () => ["/api/v1/workspaces", [gateway.workspace({ name: "$(touch x)" })]]],
    ["an id", () => ["/api/v1/workspaces", [gateway.workspace({ id: "ws_$(touch x)" })]]],
    ["a host key", () => ["/api/v1/workspaces", [gateway.workspace({ hostKeys: [`${KEY}\n* ${KEY}`] })]]],
    ["a folder", () => ["/api/v1/workspaces", [gateway.workspace({ folder: "/srv\u202e" })]]],
    [
      "a browser URL",
      () => ["/api/v1/workspaces", [gateway.workspace({ browserUrl: "javascript:alert(1)" })]],
    ],
    ["a URL of its own", () => ["/.well-known/sallyport", gateway.discovery({ publicUrl: "https://a'b" })]],
    [
      "a host key of its own",
      () => ["/.well-known/sallyport", gateway.discovery({ hostKeys: [`* ${KEY}`] })],
    ],
    [
      "a port",
      () => ["/.well-known/sallyport", gateway.discovery({ ssh: { host: "127.0.0.1", port: "22 -oX" } })],
    ],
  ];
  for (const [some, options] of shortAndLong(cases, 3)) {
    test.each(some)(
      "are refused with the field's name, and nothing is written, if %s is not valid",
      options,
      async (_, change) => {
        const [path, answer] = change();
        gateway.answers.set(path, answer);
        const { code, stderr } = await person.run(["config-ssh", "--yes"]);
        expect(code).toBe(1);
        expect(stderr).toMatch(/does not understand \([a-zA-Z0-9/]+\)/);
        expect(existsSync(managed())).toBe(false);
      },
    );
  }

  test("ring no bell, move no cursor and reverse no text on a terminal", async () => {
    const message = "no\u0007\u001b[2J\u202esdrawkcab\u009b";
    gateway.answers.set("/api/v1/workspaces", new Refusal(403, { code: "forbidden", message }));
    const { code, stderr } = await person.run(["list"]);
    expect(code).toBe(1);
    expect(stderr).toContain("no�");
    expect(stderr.trim()).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  });
});

describe("sallyport known-hosts", () => {
  beforeEach(() => {
    const ssh = { host: "code.example", port: 22 };
    gateway.answers.set("/.well-known/sallyport", gateway.discovery({ ssh }));
  });

  test("prints nothing for a host that is not the gateway's, and says how to accept it", async () => {
    const refused = await person.run(["known-hosts"]);
    expect(refused).toMatchObject({ code: 1, stdout: "" });
    expect(refused.stderr).toContain("code.example, which is not the host of its URL");
    const wrong = await person.run(["known-hosts", "--ssh-host", "ssh.example"]);
    expect(wrong).toMatchObject({ code: 1, stdout: "" });
    const agreed = await person.run(["known-hosts", "--ssh-host", "Code.example"]);
    expect(agreed).toEqual({ code: 0, signal: null, stdout: `code.example ${KEY}\n`, stderr: "" });
  });

  test("asks if somebody can answer", async () => {
    const no = await onTerminal("n", "known-hosts");
    expect(no.code).toBe(1);
    expect(no.output).not.toContain(KEY);
    const yes = await onTerminal("y", "known-hosts");
    expect(yes.code).toBe(0);
    expect(yes.output).toContain(`code.example ${KEY}`);
  });
});
