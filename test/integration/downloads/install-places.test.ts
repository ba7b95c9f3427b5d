// Where the installer of a gateway puts the program on machines that have other users: never where one of them could exchange
// what is run.

import { spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { writeRelease } from "../../support/offered-release.ts";
import { findProgram } from "../../support/programs/find-program.ts";
import { temporaryDirectory, testGateway } from "../../support/test-gateway.ts";

const VERSION = "1.2.3";
const NOBODY = 65_534;

/** Directories are made below the test's only, so that no real place is used. */
async function world() {
  const directory = temporaryDirectory();
  const downloads = join(directory, "release");
  writeRelease(downloads, VERSION);
  const { send } = await testGateway({ downloads });
  const script = await (await send("GET", "/install.sh", undefined)).text();
  const [tools, temporary, log] = ["tools", "tmp", "made"].map((name) => join(directory, name)) as [
    string,
    string,
    string,
  ];
  mkdirSync(tools);
  mkdirSync(temporary);
  writeFileSync(log, "");
  const wrap = (tool: string, before: string): void => {
    const text = `#!/bin/sh\n${before}\nexec ${findProgram(tool, []) ?? ""} "$@"\n`;
    writeFileSync(join(tools, tool), text, { mode: 0o755 });
  };
  wrap("mkdir", `case "$*" in *${directory}*) ;; *) exit 1 ;; esac`);
  wrap("mktemp", `echo "$*" >>${log}`);
  const install = (more: Record<string, string>) => {
    const env = {
      PATH: `${tools}:${process.env.PATH}`,
      TMPDIR: temporary,
      SALLYPORT_FROM: downloads,
      ...more,
    };
    return spawnSync("sh", ["-s", "--", "version"], {
      env: { SALLYPORT_BIN: join(directory, "bin"), ...env },
      input: script,
      encoding: "utf8",
    });
  };
  const own = join(temporary, `sallyport-${process.getuid?.()}`, "sallyport");
  /** The templates of the temporary files that were made. */
  const made = () => readFileSync(log, "utf8");
  return { directory, install, own, made };
}

const isRoot = process.getuid?.() === 0;

describe("nothing is written to or run from", () => {
  async function refuses(prepare: (path: string, directory: string) => void): Promise<void> {
    const { directory, install, own, made } = await world();
    const theirs = join(directory, "theirs", "sallyport");
    mkdirSync(dirname(theirs));
    prepare(theirs, directory);
    expect(install({ XDG_DATA_HOME: dirname(theirs) })).toMatchObject({ status: 0, stdout: `${VERSION}\n` });
    expect(made()).toContain(dirname(own));
    expect(made()).not.toContain(theirs);
    expect(readdirSync(theirs)).toEqual([]);
    expect(existsSync(own)).toBe(true);
  }

  test("a link, which others could exchange", async () => {
    await refuses((path, directory) => {
      mkdirSync(join(directory, "target"));
      symlinkSync(join(directory, "target"), path);
    });
  });

  test.skipIf(!isRoot)("another user's directory", async () => {
    await refuses((path) => {
      mkdirSync(path);
      chownSync(path, NOBODY, NOBODY);
      chmodSync(path, 0o777);
    });
  });
});

test.skipIf(!isRoot)("root runs nothing from the home that sudo left it", async () => {
  const { directory, install, own } = await world();
  const home = join(directory, "home");
  expect(install({ HOME: home })).toMatchObject({ status: 0, stdout: `${VERSION}\n` });
  const versions = join(home, ".local", "share", "sallyport", "versions");
  const [leaf = ""] = readdirSync(versions);
  writeFileSync(join(versions, leaf, "sallyport"), "#!/bin/sh\necho theirs\n");
  chownSync(home, NOBODY, NOBODY);
  expect(install({ HOME: home })).toMatchObject({ status: 0, stdout: `${VERSION}\n` });
  expect(existsSync(own)).toBe(true);
});
