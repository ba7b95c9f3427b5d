// The installer of a gateway, run by the shells that people have. The program that it installs is a script here;
// test/release/ has the real one, and other systems.

import { execFile, spawn, spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { promisify } from "node:util";
import { describe, expect, onTestFinished, test } from "vitest";
import { shellInstaller } from "../../../gateway/http/downloads/install-sh.ts";
import { parseGatewayUrl } from "../../../protocol/values/gateway-url.ts";
import { LONG, shortAndLong } from "../../support/long.ts";
import { writeRelease } from "../../support/offered-release.ts";
import { findProgram } from "../../support/programs/find-program.ts";
import { temporaryDirectory, testGateway } from "../../support/test-gateway.ts";

const VERSION = "1.2.3";
const ALL_SHELLS = [["dash"], ["busybox", "ash"], ["bash"], ["bash", "--posix"], ["ksh"], ["mksh"]];
const SHELLS = ALL_SHELLS.filter(([program = ""]) => findProgram(program, []) !== undefined);
const named = SHELLS.map((shell) => [shell.join(" "), shell] as const);

/** @param program what the archives hold instead of the usual script */
async function world(program?: string) {
  const directory = temporaryDirectory();
  const downloads = join(directory, "release");
  writeRelease(downloads, VERSION, {}, program);
  const { gateway, send, logLines } = await testGateway({ downloads });
  const [home, bin] = [join(directory, "place"), join(directory, "bin")];
  const script = async () => await (await send("GET", "/install.sh", undefined)).text();
  /** As `curl … | sh -s -- ARGS`. */
  const install = async (
    shell: readonly string[],
    args: readonly string[] = [],
    env: Record<string, string> = {},
    input?: string,
  ) => {
    const [program = "", ...flags] = shell;
    const child = spawn(program, [...flags, "-s", "--", ...args], {
      env: { PATH: process.env.PATH ?? "", SALLYPORT_HOME: home, SALLYPORT_BIN: bin, ...env },
      // Without a terminal, whatever this test runs in.
      detached: true,
    });
    child.stdin.on("error", () => undefined);
    child.stdin.end(input ?? (await script()));
    const [stdout, stderr, code] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      new Promise((resolve) => child.once("close", resolve)),
    ]);
    return { code, stdout, stderr };
  };
  const fetched = () => logLines.filter((line) => line.includes('"/bin/:name"')).length;
  return { directory, downloads, home, bin, script, install, fetched, url: gateway.httpUrl };
}

for (const [shells, options] of shortAndLong(named, 2)) {
  describe.each(shells)("%s", options, (_name, shell) => {
    test("it installs, links, and a second run downloads nothing", async () => {
      const { install, home, bin, fetched } = await world();
      const first = await install(shell);
      expect(first).toMatchObject({ code: 0, stdout: "" });
      expect(first.stderr).toContain(`version ${VERSION} is installed as ${bin}/sallyport`);
      const target = readlinkSync(join(home, "sallyport"));
      expect(target).toMatch(
        new RegExp(`^versions/${VERSION}-linux-(musl-)?x64/sallyport$|^versions/.*arm64`),
      );
      expect(spawnSync(join(bin, "sallyport"), ["version"], { encoding: "utf8" }).stdout).toBe(
        `${VERSION}\n`,
      );
      expect(fetched()).toBe(1);
      expect(await install(shell)).toMatchObject({ code: 0 });
      expect(fetched()).toBe(1);
      expect(readdirSync(home).sort()).toEqual(["sallyport", "versions"]);
    });

    test("it runs the program with the arguments, this gateway, and not the script as its stdin", async () => {
      const { install, url } = await world();
      const { code, stdout } = await install(shell, ["host", "--name", "a b", "$(id)"]);
      expect({ code, stdout }).toEqual({
        code: 0,
        stdout: `args: host --name a b $(id)\ngateway: ${url}\nstdin: `,
      });
      const other = await install(shell, ["login"], { SALLYPORT_GATEWAY: "https://other.example" });
      expect(other.stdout).toContain("gateway: https://other.example\n");
    });

    test("as a file, it leaves stdin to the program", async () => {
      const { directory, script, home, bin } = await world();
      writeFileSync(join(directory, "install.sh"), await script());
      const [program = "", ...flags] = shell;
      const run = promisify(execFile)(program, [...flags, join(directory, "install.sh"), "host"], {
        env: { PATH: process.env.PATH, SALLYPORT_HOME: home, SALLYPORT_BIN: bin },
      });
      run.child.stdin?.end("typed");
      expect((await run).stdout).toContain("stdin: typed");
    });

    test("cut off anywhere, it runs nothing", async () => {
      const script = shellInstaller(parseGatewayUrl("https://gateway.example"), {
        version: VERSION,
        files: [],
      });
      expect(ranSomething(shell, script)).toBe(true);
      const lineEnds = [...script.matchAll(/\n/g)].map(({ index }) => index + 1);
      const places = lineEnds.filter((_, index) => index % 5 === 0);
      for (let index = 0; index < 30; index++) places.push(Math.floor(Math.random() * script.length));
      for (let back = 2; back < 20; back++) places.push(script.length - back);
      // All but the last line break is there: nothing is missing.
      for (const place of places.filter((place) => place < script.length - 1)) {
        expect(ranSomething(shell, script.slice(0, place)), `cut after ${place} bytes`).toBe(false);
      }
    });

    test("a damaged download, a web page and an error page are refused, each in one clear line", async () => {
      const { script, install, home, url } = await world();
      let answer: [number, string] = [200, ""];
      const server = createServer((_request, response) => response.writeHead(answer[0]).end(answer[1]));
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      onTestFinished(() => void server.close());
      const proxied = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      const theirs = (await script()).replaceAll(url, proxied);
      const refused = async (status: number, body: string): Promise<string> => {
        answer = [status, body];
        const { code, stderr } = await install(shell, ["host"], {}, theirs);
        expect(code).toBe(1);
        expect(existsSync(join(home, "sallyport"))).toBe(false);
        expect(readdirSync(home)).toEqual(["versions"]);
        return stderr;
      };
      expect(await refused(200, "x")).toMatch(
        /^sallyport: what came from \S+ is damaged \(SHA-256 2d71\w+ instead of/m,
      );
      expect(await refused(200, "<!doctype html>")).toMatch(/^sallyport: a web page came instead of/m);
      expect(await refused(404, "{}")).toMatch(
        /^sallyport: \S+ cannot be downloaded \(curl ended with status 22\)/m,
      );
    });

    test("five at the same time install one, and leave nothing else", async () => {
      const { install, home } = await world();
      const runs = await Promise.all([1, 2, 3, 4, 5].map(() => install(shell, ["host"])));
      expect(runs.map(({ code, stderr }) => (code === 0 ? "" : stderr))).toEqual(["", "", "", "", ""]);
      expect(readdirSync(home).sort()).toEqual(["sallyport", "versions"]);
      const [leaf = ""] = readdirSync(join(home, "versions"));
      expect(readdirSync(join(home, "versions", leaf))).toEqual(["sallyport"]);
    });
  });
}

describe("by any of them", () => {
  const shell = SHELLS[0] ?? ["sh"];

  test("a newer version takes the links over, and the older one stays for who runs it", async () => {
    const { install, downloads, home, bin } = await world();
    await install(shell);
    writeRelease(downloads, "1.3.0");
    await expect
      .poll(async () => (await install(shell, ["version"])).stdout, { timeout: 60_000 })
      .toBe("1.3.0\n");
    expect(readdirSync(join(home, "versions"))).toHaveLength(2);
    expect(spawnSync(join(bin, "sallyport"), ["version"], { encoding: "utf8" }).stdout).toBe("1.3.0\n");
  });

  test("a command of somebody else is not replaced", async () => {
    const { install, bin, home } = await world();
    mkdirSync(bin);
    writeFileSync(join(bin, "sallyport"), "theirs");
    expect((await install(shell)).stderr).toContain(`installed as ${home}/sallyport`);
    expect(readFileSync(join(bin, "sallyport"), "utf8")).toBe("theirs");
  });

  test("what killed runs have left is removed after a day, and not before", async () => {
    const { install, home } = await world();
    for (const name of [".part.old", ".part.new"]) mkdirSync(join(home, name), { recursive: true });
    const daysAgo = Date.now() / 1000 - 3 * 86_400;
    utimesSync(join(home, ".part.old"), daysAgo, daysAgo);
    await install(shell);
    expect(readdirSync(home).sort()).toEqual([".part.new", "sallyport", "versions"]);
  });

  test("nothing is downloaded where the archive is already", async () => {
    const { install, downloads, fetched } = await world();
    expect(await install(shell, ["version"], { SALLYPORT_FROM: downloads })).toMatchObject({
      stdout: `${VERSION}\n`,
    });
    expect(fetched()).toBe(0);
    const missing = await install(shell, [], {
      SALLYPORT_FROM: "/nonexistent",
      SALLYPORT_HOME: `${downloads}-2`,
    });
    expect(missing).toMatchObject({ code: 1 });
    expect(missing.stderr).toMatch(/^sallyport: \/nonexistent\/\S+ cannot be read$/m);
  });

  test("without a tool to download with, it says what is needed", async () => {
    const { install, directory } = await world();
    const tools = join(directory, "tools");
    mkdirSync(tools);
    for (const tool of [
      "uname",
      "id",
      "head",
      "tr",
      "grep",
      "mkdir",
      "mktemp",
      "chmod",
      "rm",
      "find",
      "cat",
    ]) {
      symlinkSync(findProgram(tool, []) ?? "", join(tools, tool));
    }
    const shellPath = findProgram(shell[0] ?? "", []) ?? "";
    const { code, stderr } = await install([shellPath, ...shell.slice(1)], [], { PATH: tools });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^sallyport: curl or wget is needed; or copy sallyport-\S+\.tar\.gz here/m);
  });

  test("a program that does not run here is not installed", async () => {
    const { install, home } = await world("#!/bin/sh\necho 'GLIBC_9.9 not found' >&2\nexit 1\n");
    const { code, stderr } = await install(shell, ["host"]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^sallyport: Sallyport for linux-\S+ does not run here: GLIBC_9.9 not found$/m);
    expect(readdirSync(join(home, "versions"))).toEqual([]);
  });

  test("a place that cannot be used is named, and no other one is taken instead", async () => {
    const { install, directory } = await world();
    const file = join(directory, "file");
    writeFileSync(file, "");
    const { code, stderr } = await install(shell, [], { SALLYPORT_HOME: join(file, "x") });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^sallyport: SALLYPORT_HOME=\S+ cannot be written to and run from by user \d+$/m);
  });
});

test("cut off after any byte, it runs nothing", LONG, () => {
  const script = shellInstaller(parseGatewayUrl("https://gateway.example"), { version: VERSION, files: [] });
  const file = join(temporaryDirectory(), "install.sh");
  writeFileSync(file, script);
  const shell = findProgram("dash", []) ?? "/bin/sh";
  // In a shell's loop, since it starts another one much faster than this process does. What they say is collected.
  const loop =
    'place=$1 end=$2; shift 2; while [ "$place" -lt "$end" ]; do head -c "$place" "$1" | PATH=/nonexistent "$2" -s host; place=$((place + 1)); done';
  const run = (...range: [number, number]) => {
    const { status, stdout, stderr } = spawnSync(
      "sh",
      ["-c", loop, "sh", ...range.map(String), file, shell],
      {
        encoding: "utf8",
        maxBuffer: 64 * 1024 * 1024,
      },
    );
    return { status, said: (stdout + stderr).split("\n").filter((line) => RAN.test(line)) };
  };
  // The closing brace is the last byte but one.
  expect(run(0, script.length - 1)).toEqual({ status: 0, said: [] });
  expect(run(script.length - 1, script.length + 1).said).not.toEqual([]);
});

const RAN = /not found|sallyport:|No such file/;

/** Without any program to be found, the first step of the script fails, and the shell says that. */
function ranSomething(shell: readonly string[], script: string): boolean {
  const [program = "", ...flags] = shell;
  const run = spawnSync(findProgram(program, []) ?? "", [...flags, "-s", "--", "host"], {
    input: script,
    env: { PATH: "/nonexistent" },
    encoding: "utf8",
  });
  return RAN.test(run.stderr) || run.stdout !== "";
}
