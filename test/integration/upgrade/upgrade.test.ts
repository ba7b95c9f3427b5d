import { execFile, execFileSync, spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { hostname } from "node:os";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { goBack, type OwnInstallation, startedAs } from "../../../agent/client/upgrade/install.ts";
import { directorySource } from "../../../agent/client/upgrade/release-source.ts";
import { checkForNewer, type UpgradeRequest, upgrade } from "../../../agent/client/upgrade/upgrade.ts";
import {
  archive,
  fakeRelease,
  installedByScript,
  installedFile,
  type Member,
  PLATFORM,
  program,
  releaseFiles,
  type Signer,
  signer,
  temporaryDirectory,
  writeRelease,
} from "../../support/fake-release.ts";
import { until } from "../../support/until.ts";

const ours = signer();
const signal = AbortSignal.timeout(100_000);

function request(
  installation: UpgradeRequest["installation"],
  release: string,
  more: Partial<UpgradeRequest> = {},
): UpgradeRequest {
  const source = () => directorySource(release);
  return {
    installation,
    running: "1.0.0",
    platform: PLATFORM,
    source,
    keys: ours.keys,
    version: undefined,
    signal,
    ...more,
  };
}

function runs(installation: OwnInstallation): string {
  return JSON.parse(execFileSync(startedAs(installation), { encoding: "utf8" })).version;
}

/** What is beside the program. */
function beside(installation: OwnInstallation): string[] {
  return readdirSync(dirname(startedAs(installation))).toSorted();
}

const LAYOUTS: readonly [string, () => OwnInstallation, string[]][] = [
  ["one file", () => installedFile("1.0.0"), ["sallyport", "sallyport.old"]],
  ["by install.sh", () => installedByScript("1.0.0"), ["sallyport", "sallyport.old", "versions"]],
];

describe.each(LAYOUTS)("installed as %s", (_, install, left) => {
  test("a newer version takes the program's place, and --back returns, and --back again goes forward", async () => {
    const installation = install();
    const outcome = await upgrade(request(installation, await fakeRelease("1.1.0", ours)));
    expect(outcome).toEqual({ version: "1.1.0", changed: true });
    expect(runs(installation)).toBe("1.1.0");
    expect(beside(installation)).toEqual(left);
    expect(statSync(startedAs(installation)).mode & 0o777).toBe(0o755);
    expect(await goBack(installation, { signal })).toBe("1.0.0");
    expect(runs(installation)).toBe("1.0.0");
    expect(await goBack(installation, { signal })).toBe("1.1.0");
    expect(runs(installation)).toBe("1.1.0");
    expect(beside(installation)).toEqual(left);
  });

  test("what runs goes on while its file is replaced", async () => {
    const installation = install();
    writeFileSync(realpathSync(startedAs(installation)), program("1.0.0", "read line; echo $line"));
    const { promise, resolve } = Promise.withResolvers<string>();
    const running = execFile(startedAs(installation), (_error, stdout) => resolve(stdout));
    await upgrade(request(installation, await fakeRelease("1.1.0", ours)));
    running.stdin?.end("still here\n");
    expect(await promise).toBe('still here\n{"version":"1.0.0"}\n');
  });

  test("the same version changes nothing, and an older one only if it is named", async () => {
    const installation = install();
    const same = await fakeRelease("1.0.0", ours);
    expect(await upgrade(request(installation, same))).toEqual({ version: "1.0.0", changed: false });
    const older = await fakeRelease("0.9.0", ours);
    await expect(upgrade(request(installation, older))).rejects.toMatchObject({ code: "older_offered" });
    await expect(upgrade(request(installation, older, { version: "0.8.0" }))).rejects.toMatchObject({
      code: "version_not_offered",
    });
    expect(runs(installation)).toBe("1.0.0");
    await upgrade(request(installation, older, { version: "0.9.0" }));
    expect(runs(installation)).toBe("0.9.0");
  });

  test.each<[string, string, (directory: string) => Promise<void>]>([
    [
      "a manifest that was changed",
      "bad_signature",
      async (directory) => {
        const path = join(directory, "manifest.json");
        writeFileSync(path, readFileSync(path, "utf8").replace("1.1.0", "1.1.1"));
      },
    ],
    [
      "a manifest of another key",
      "bad_signature",
      async (directory) => writeRelease(directory, "1.1.0", await releaseFiles("1.1.0"), signer()),
    ],
    [
      "a page instead of the signature",
      "bad_signature",
      async (directory) => writeFileSync(join(directory, "manifest.json.sig"), "<html>Welcome</html>"),
    ],
    [
      "a manifest that names a path",
      "bad_manifest",
      async (directory) => writeRelease(directory, "1.1.0", { "sub/../x": Buffer.from("x") }, ours),
    ],
    [
      "a file that was changed",
      "damaged",
      async (directory) => {
        for (const name of Object.keys(await releaseFiles("1.1.0"))) {
          const bytes = readFileSync(join(directory, name));
          bytes.writeUInt8(bytes.readUInt8(0) ^ 1, 0);
          writeFileSync(join(directory, name), bytes);
        }
      },
    ],
    [
      "a file that is longer",
      "too_large",
      async (directory) => {
        for (const name of Object.keys(await releaseFiles("1.1.0")))
          writeFileSync(join(directory, name), "more", { flag: "a" });
      },
    ],
    [
      "a file that is shorter",
      "incomplete",
      async (directory) => {
        for (const name of Object.keys(await releaseFiles("1.1.0")))
          writeFileSync(join(directory, name), "x");
      },
    ],
    [
      "a program that is another version",
      "does_not_run",
      async (directory) => writeRelease(directory, "1.1.0", await releaseFiles("1.2.0"), ours),
    ],
    [
      "a program that fails",
      "does_not_run",
      async (directory) => writeRelease(directory, "1.1.0", await releaseFiles("1.1.0", "exit 1"), ours),
    ],
    [
      "no program for this platform",
      "no_build",
      async (directory) => writeRelease(directory, "1.1.0", { other: Buffer.from("x") }, ours),
    ],
  ])("%s is refused, and nothing is left behind", async (_what, code, damage) => {
    const installation = install();
    const before = beside(installation);
    const release = await fakeRelease("1.1.0", ours);
    await damage(release);
    await expect(upgrade(request(installation, release))).rejects.toMatchObject({ code });
    expect(runs(installation)).toBe("1.0.0");
    expect(beside(installation)).toEqual(before);
  });

  test("two upgrades at once: one is told to wait; the lock of a dead one is taken over", async () => {
    const installation = install();
    const release = await fakeRelease("1.1.0", ours);
    const lock = join(dirname(startedAs(installation)), ".sallyport-upgrade.lock");
    const go = join(temporaryDirectory(), "go");
    const waits = `while ! [ -e ${go} ]; do sleep 0.05; done`;
    const slow = upgrade(request(installation, await fakeRelease("1.1.0", ours, waits)));
    await until(() => lstatSync(lock, { throwIfNoEntry: false }) !== undefined);
    await expect(upgrade(request(installation, release))).rejects.toMatchObject({ code: "upgrade_running" });
    writeFileSync(go, "");
    await slow;
    symlinkSync(`${deadProcess()} ${hostname()}`, lock);
    mkdirSync(join(dirname(lock), ".sallyport-upgrade-dead", "download"), { recursive: true });
    await goBack(installation, { signal });
    expect(runs(installation)).toBe("1.0.0");
    expect(beside(installation)).toEqual(left);
    // Of another machine on the same volume: nobody here can tell whether it lives.
    writeFileSync(lock, `${deadProcess()} elsewhere`);
    await expect(goBack(installation, { signal })).rejects.toMatchObject({ code: "upgrade_running" });
  });

  test("without a version before there is no way back", async () => {
    await expect(goBack(install(), { signal })).rejects.toMatchObject({ code: "no_former_version" });
  });
});

/** The id of a process that has ended. */
function deadProcess(): number {
  return spawnSync("true").pid;
}

test("a version that is unpacked already is switched to without a release", async () => {
  const installation = installedByScript("1.0.0");
  await upgrade(request(installation, await fakeRelease("1.1.0", ours)));
  const none = temporaryDirectory();
  const back = await upgrade(request(installation, none, { running: "1.1.0", version: "1.0.0" }));
  expect(back).toEqual({ version: "1.0.0", changed: true });
  expect(runs(installation)).toBe("1.0.0");
});

test("an unpacked version that does not run is replaced", async () => {
  const installation = installedByScript("1.0.0");
  const release = await fakeRelease("1.1.0", ours);
  const broken = join(installation.place, "versions", `1.1.0-${PLATFORM}`);
  mkdirSync(broken);
  writeFileSync(join(broken, "sallyport"), "#!/bin/sh\nexit 3\n", { mode: 0o755 });
  await upgrade(request(installation, release));
  expect(runs(installation)).toBe("1.1.0");
  expect(readFileSync(join(broken, "pty.node"), "utf8")).toBe("native");
});

describe("an archive holds nothing but what a release has", () => {
  test.each<[string, Member]>([
    ["a path upwards", { name: "../evil" }],
    ["an absolute path", { name: "/tmp/evil" }],
    ["a hidden file", { name: ".profile" }],
    ["a folder that no release has", { name: "etc/passwd" }],
    ["a symbolic link", { name: "man/x", type: "symlink", linkname: "/etc/passwd", size: 0 }],
    ["a hard link", { name: "man/x", type: "link", linkname: "/etc/passwd", size: 0 }],
    ["a device", { name: "null", type: "character-device", size: 0 }],
    ["the same name twice", { name: "sallyport" }],
  ])("%s", async (_, member) => {
    const installation = installedByScript("1.0.0");
    const release = temporaryDirectory();
    const members = [{ name: "sallyport", text: program("1.1.0"), mode: 0o755 }, member];
    const files = { [`sallyport-${PLATFORM}.tar.gz`]: await archive(members) };
    writeRelease(release, "1.1.0", files, ours);
    await expect(upgrade(request(installation, release))).rejects.toMatchObject({ stage: "file" });
    expect(runs(installation)).toBe("1.0.0");
    expect(beside(installation)).toEqual(["sallyport", "versions"]);
  });

  test("one that is cut off", async () => {
    const installation = installedByScript("1.0.0");
    const release = temporaryDirectory();
    const whole = await archive([{ name: "sallyport", text: program("1.1.0"), mode: 0o755 }]);
    writeRelease(release, "1.1.0", { [`sallyport-${PLATFORM}.tar.gz`]: whole.subarray(0, -20) }, ours);
    await expect(upgrade(request(installation, release))).rejects.toMatchObject({ code: "bad_archive" });
  });
});

const LOOSE: [string, number][] = [["everybody can write there", 0o777]];
if (process.getuid?.() === 0) LOOSE.push(["it is root's, and a group can write there", 0o775]);

test.each(LOOSE)("a directory is refused if %s", async (_, mode) => {
  const directory = temporaryDirectory();
  const installation = installedFile("1.0.0", directory);
  chmodSync(directory, mode);
  const release = await fakeRelease("1.1.0", ours);
  await expect(upgrade(request(installation, release))).rejects.toMatchObject({ code: "loose_mode" });
  expect(existsSync(join(directory, "sallyport.old"))).toBe(false);
});

test("--check compares the versions", async () => {
  const check = async (version: string, by: Signer = ours) =>
    checkForNewer(directorySource(await fakeRelease(version, by)), {
      keys: ours.keys,
      running: "1.0.0",
      signal,
    });
  expect(await check("1.0.1")).toEqual({ offered: "1.0.1", newer: true });
  expect(await check("1.0.0")).toEqual({ offered: "1.0.0", newer: false });
  expect(await check("0.9.0")).toEqual({ offered: "0.9.0", newer: false });
  await expect(check("1.0.1", signer())).rejects.toMatchObject({ code: "bad_signature" });
});

test("a program without a release key believes nothing", async () => {
  const release = await fakeRelease("1.1.0", ours);
  const installation = installedFile("1.0.0");
  await expect(upgrade(request(installation, release, { keys: [] }))).rejects.toMatchObject({
    code: "no_release_key",
  });
});
