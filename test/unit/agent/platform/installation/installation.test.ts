import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { afterEach, describe, expect, test, vi } from "vitest";
import { buildPlatform } from "../../../../../agent/platform/installation/build-platform.ts";
import { findInstallation } from "../../../../../agent/platform/installation/installation.ts";
import { packageOwner } from "../../../../../agent/platform/installation/package-owner.ts";
import { temporaryDirectory } from "../../../../support/fake-release.ts";

const signal = AbortSignal.timeout(60_000);
const nobody = () => Promise.resolve(undefined);

function write(path: string, text = "", mode = 0o644): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
}

describe("an executable", () => {
  test("is one file, whatever link leads to it", async () => {
    const place = temporaryDirectory();
    const path = write(join(place, "opt", "sallyport"));
    const link = join(place, "link");
    symlinkSync(path, link);
    const found = await findInstallation({ executable: link, script: "" }, signal, nobody);
    expect(found).toEqual({ kind: "file", path });
  });

  test.each([
    ["sallyport", "sallyport", "1.2.3-linux-musl-x64"],
    ["sallyport.exe", "current", "1.2.3-rc.1-win-x64"],
  ])("is of the install script, with its link (%s)", async (name, linked, version) => {
    const place = temporaryDirectory();
    const path = write(join(place, "versions", version, name));
    const link = join(place, linked);
    const program = { executable: path, script: "" };
    expect(await findInstallation(program, signal, nobody)).toEqual({ kind: "copy", path });
    symlinkSync(linked === name ? path : dirname(path), link);
    const found = await findInstallation({ executable: path, script: "" }, signal, nobody);
    expect(found).toEqual({ kind: "script", place, link, path });
  });

  test("belongs to a package if a package manager says so", async () => {
    const path = write(join(temporaryDirectory(), "sallyport"));
    const owner = () => Promise.resolve({ manager: "dpkg", package: "sallyport" } as const);
    const found = await findInstallation({ executable: path, script: "" }, signal, owner);
    expect(found).toEqual({ kind: "package", path, manager: "dpkg", package: "sallyport" });
  });
});

describe("a script that Node runs", () => {
  const of = async (root: string) =>
    await findInstallation(
      { executable: undefined, script: write(join(root, "dist", "cli.js")) },
      signal,
      nobody,
    );

  test("is of npm, globally or in a project", async () => {
    for (const [folder, global] of [
      ["lib/node_modules", true],
      ["project/node_modules", false],
    ] as const) {
      const path = join(temporaryDirectory(), folder, "sallyport");
      write(join(path, "package.json"), '{"name":"sallyport"}');
      expect(await of(path)).toEqual({ kind: "npm", path, global });
    }
  });

  test("is a clone, an extension, or a copy", async () => {
    const clone = temporaryDirectory();
    mkdirSync(join(clone, ".git"));
    expect(await of(clone)).toEqual({ kind: "clone", path: clone });
    const extension = join(temporaryDirectory(), "sallyport.sallyport-0.1.0");
    expect(await of(extension)).toEqual({ kind: "extension", path: extension });
    const renamed = temporaryDirectory();
    write(join(renamed, ".vsixmanifest"));
    expect(await of(renamed)).toEqual({ kind: "extension", path: renamed });
    const copy = temporaryDirectory();
    expect(await of(copy)).toEqual({ kind: "copy", path: copy });
  });
});

describe("package managers", () => {
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  /** Programs of these names come first. */
  function managers(scripts: Readonly<Record<string, string>>): void {
    const directory = temporaryDirectory();
    for (const [name, script] of Object.entries(scripts))
      write(join(directory, name), `#!/bin/sh\n${script}\n`, 0o755);
    vi.stubEnv("PATH", `${directory}${delimiter}/bin${delimiter}/usr/bin`);
  }

  const NONE = { "dpkg-query": "exit 1", rpm: "exit 1", apk: "exit 1" };

  test.each([
    ["dpkg", "dpkg-query", 'echo "sallyport:amd64: $2"'],
    ["dpkg", "dpkg-query", 'echo "sallyport: $2"'],
    ["rpm", "rpm", "echo sallyport"],
    ["apk", "apk", 'echo "$3 is owned by sallyport-1.0.0-r0"'],
  ])("%s is asked", async (manager, program, script) => {
    managers({ ...NONE, [program]: script });
    expect(await packageOwner("/usr/lib/sallyport/sallyport", signal)).toEqual({
      manager,
      package: "sallyport",
    });
  });

  test("that do not know the file, or are not there, own nothing", async () => {
    managers({ ...NONE, rpm: 'echo "file /x is not owned by any package"; exit 1' });
    expect(await packageOwner("/home/ada/bin/sallyport", signal)).toBeUndefined();
  });

  test("that end strangely leave it open, so nothing is upgraded", async () => {
    managers({ ...NONE, "dpkg-query": "kill -9 $$" });
    await expect(packageOwner("/usr/bin/sallyport", signal)).rejects.toMatchObject({ code: "owner_unknown" });
  });

  test("Homebrew is known by the path", async () => {
    const path = "/opt/homebrew/Cellar/sallyport/1.0.0/bin/sallyport";
    expect(await packageOwner(path, signal)).toEqual({ manager: "homebrew", package: "sallyport" });
  });
});

test("the platform is that of the build, which on Linux has one libc or the other", () => {
  const no = () => false;
  expect(buildPlatform("linux", "x64", no)).toBe("linux-x64");
  expect(buildPlatform("linux", "arm64", () => true)).toBe("linux-musl-arm64");
  expect(buildPlatform("darwin", "arm64", no)).toBe("darwin-arm64");
  expect(buildPlatform("win32", "x64", no)).toBe("win-x64");
  expect(buildPlatform("freebsd", "x64", no)).toBeUndefined();
  expect(buildPlatform("linux", "riscv64", no)).toBeUndefined();
});
