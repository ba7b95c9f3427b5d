// The launcher run for real, as ssh runs it: with an editor that is there, one that has moved, a Node on the PATH, none, and an
// old one.

import { execFile } from "node:child_process";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  launcherPath,
  removeLauncher,
  writeLauncher,
} from "../../../agent/client/ssh-config/launcher-file.ts";
import type { LaunchCandidate } from "../../../agent/client/ssh-config/launcher-script.ts";
import type { Machine } from "../../../agent/platform/paths.ts";
import { CLI } from "../../../scripts/repository.ts";

let home: string;
let machine: Machine;
beforeEach(() => {
  home = join(mkdtempSync(join(tmpdir(), "sallyport-launcher-")), "a 'home' $x 100% ö \"q\"");
  mkdirSync(join(home, "path"), { recursive: true });
  machine = { platform: "linux", home, env: { HOME: home } };
});
afterEach(() => rmSync(dirname(home), { recursive: true, force: true }));

/** An editor that tells how it was started. */
function editor(name: string, change: Partial<LaunchCandidate> = {}): LaunchCandidate & { cliPath: string } {
  const directory = join(home, name);
  mkdirSync(directory, { recursive: true });
  const execPath = join(directory, "editor");
  const cliPath = join(directory, "cli.js");
  writeFileSync(execPath, `#!/bin/sh\necho "${name} $ELECTRON_RUN_AS_NODE" "$@"\ncat\nexit 3\n`);
  chmodSync(execPath, 0o700);
  writeFileSync(cliPath, "");
  return { execPath, cliPath, electron: true, microsoftBuild: false, ...change };
}

/** A program named node in the only directory of the PATH. */
function onPath(script: string): void {
  writeFileSync(join(home, "path", "node"), `#!/bin/sh\n${script}\n`);
  chmodSync(join(home, "path", "node"), 0o700);
}

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function launch(...args: string[]): Promise<Ended> {
  return launchWith({}, ...args);
}

function launchWith(more: Record<string, string>, ...args: string[]): Promise<Ended> {
  return new Promise((done) => {
    const env = { PATH: join(home, "path"), ELECTRON_RUN_AS_NODE: "", ...more };
    // By its path, with the shell that its first line names: the PATH has none.
    const child = execFile(launcherPath(machine), args, { env }, (error, stdout, stderr) =>
      done({ code: typeof error?.code === "number" ? error.code : 0, stdout, stderr }),
    );
    // A launcher that finds nothing to run ends without reading: what it did not take is not the test's business.
    child.stdin?.on("error", () => undefined);
    child.stdin?.end("input");
  });
}

beforeEach(() => symlinkSync("/bin/cat", join(home, "path", "cat")));

describe("the launcher", () => {
  test("runs the editor as a Node, passes arguments, input and exit status through, and belongs to its owner alone", async () => {
    const candidate = editor("code");
    const { path, changed } = await writeLauncher(candidate, machine);
    expect(changed).toBe(true);
    expect(path).toBe(join(home, ".config", "sallyport", "bin", "sallyport-tunnel"));
    expect(statSync(path).mode & 0o777).toBe(0o700);
    expect(await launch("https://gw.example/a b", "web")).toEqual({
      code: 3,
      stdout: `code 1 ${candidate.cliPath} tunnel https://gw.example/a b web\ninput`,
      stderr: "",
    });
  });

  test("tells Microsoft's build twice, and a Node nothing", async () => {
    const microsoft = editor("code", { microsoftBuild: true });
    await writeLauncher(microsoft, machine);
    expect((await launch("x")).stdout).toBe(
      `code 1 ${microsoft.cliPath} --ms-enable-electron-run-as-node tunnel x\ninput`,
    );
    const node = editor("node", { electron: false });
    await writeLauncher(node, machine);
    expect((await launch("x")).stdout).toBe(`node  ${node.cliPath} tunnel x\ninput`);
  });

  test("starts the real companion, whatever Microsoft's build leaves among its arguments", async () => {
    const real = { execPath: process.execPath, cliPath: CLI, electron: false, microsoftBuild: true };
    await writeLauncher(real, machine);
    const { code, stderr } = await launch("https://gw.example");
    expect(stderr).toContain("WORKSPACE is missing");
    expect(code).toBe(2);
  });

  test("keeps from the companion what a person wants of their own Node programs, which would end it", async () => {
    const real = { execPath: process.execPath, cliPath: CLI, electron: false, microsoftBuild: false };
    await writeLauncher(real, machine);
    const options = { NODE_OPTIONS: "--require ./not-here.js", NODE_DEBUG: "net,tls,module" };
    const byEditor = await launchWith(options, "https://gw.example");
    expect(byEditor.stderr).toMatch(/^sallyport: WORKSPACE is missing/);
    expect(byEditor.code).toBe(2);

    await writeLauncher(editor("gone", { cliPath: CLI }), machine);
    rmSync(join(home, "gone", "editor"));
    onPath(`exec '${process.execPath}' "$@"`);
    expect(await launchWith(options, "https://gw.example"), "the Node of the PATH").toEqual(byEditor);
  });

  test("is written again only when something has changed", async () => {
    await writeLauncher(editor("code"), machine);
    expect((await writeLauncher(editor("code"), machine)).changed).toBe(false);
    expect((await writeLauncher(editor("code", { microsoftBuild: true }), machine)).changed).toBe(true);
  });

  test("falls back to another editor that was here, then to the Node of the PATH", async () => {
    const stable = editor("stable");
    await writeLauncher(stable, machine);
    const insiders = editor("insiders");
    await writeLauncher(insiders, machine);
    expect((await launch()).stdout).toMatch(/^insiders 1/);
    rmSync(insiders.execPath);
    expect((await launch()).stdout).toMatch(/^stable 1/);
    rmSync(stable.execPath);
    onPath('[ "$1" = -e ] && exit 0; echo "node [$ELECTRON_RUN_AS_NODE]" "$@"');
    expect((await launch("x")).stdout).toBe(`node [] ${insiders.cliPath} tunnel x\n`);
    rmSync(insiders.cliPath);
    expect((await launch("x")).stdout).toBe(`node [] ${stable.cliPath} tunnel x\n`);
  });

  test("forgets editors that are gone when it is written the next time", async () => {
    const gone = editor("gone");
    await writeLauncher(gone, machine);
    rmSync(gone.execPath);
    const { path } = await writeLauncher(editor("code"), machine);
    expect(readFileSync(path, "utf8")).not.toContain("gone");
  });

  test("ends with one line that says what to do where nothing can run it", async () => {
    const candidate = editor("code");
    await writeLauncher(candidate, machine);
    rmSync(candidate.execPath);
    const nothing = {
      code: 127,
      stdout: "",
      stderr:
        "sallyport: config: no program here can run the tunnel: start an editor with the Sallyport extension once, or install Node.js 20 or later.\n",
    };
    expect(await launch(), "no node").toEqual(nothing);
    onPath("echo v18; exit 1");
    expect(await launch(), "an old node").toEqual(nothing);
    onPath("exit 0");
    rmSync(candidate.cliPath);
    expect(await launch(), "no companion").toEqual(nothing);
  });

  test("starts the executable, which needs no script, and forgets it when it is gone", async () => {
    const { execPath } = editor("one-file");
    const alone = { execPath, electron: false, microsoftBuild: false };
    await writeLauncher(editor("code"), machine);
    const { path } = await writeLauncher(alone, machine);
    expect((await launch("x")).stdout).toMatch(/^one-file {2}tunnel x$/m);
    expect(readFileSync(path, "utf8")).not.toContain("undefined");
    rmSync(execPath);
    expect((await launch("x")).stdout).toMatch(/^code 1 /);
  });

  test("refuses a path that would end a line of the script", async () => {
    await expect(writeLauncher({ ...editor("code"), cliPath: "/x\nrm -rf /" }, machine)).rejects.toThrow(
      /launcher/,
    );
  });

  test("is gone after its removal", async () => {
    const { path } = await writeLauncher(editor("code"), machine);
    removeLauncher(machine);
    expect(() => statSync(path)).toThrow(/ENOENT/);
  });
});
