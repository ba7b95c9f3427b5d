// The executable replaces itself: installed by the gateway's script or as one file, under a host with a session, and from a release
// that is not genuine. The newer release is this one's program with another version, signed by the same key.

import { execFile, spawn } from "node:child_process";
import {
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { PLATFORMS, type Platform } from "../../protocol/release/manifest.ts";
import { ROOT } from "../../scripts/repository.ts";
import { startGateway, startStack } from "../support/stack.ts";
import { Container } from "./support/container.ts";
import { isReleased, releaseDirectory, releasedProgram, releasedVersion } from "./support/release.ts";
import { whyNot } from "./systems/installed-stack.ts";

const run = promisify(execFile);
const NEWER = "9.8.7";
const MADE: readonly Platform[] = ["linux-x64", "linux-musl-x64"];
const noAlpine = whyNot("alpine", "linux-musl-x64");
if (noAlpine !== undefined) console.warn(`skipped: an upgrade in Alpine: ${noAlpine}`);

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

describe.skipIf(!isReleased("linux-x64"))(
  "upgrades (skipped where the release has none for linux-x64)",
  () => {
    let directory: string;
    let newer: string;
    let version: string;
    let env: NodeJS.ProcessEnv;
    beforeAll(async () => {
      directory = mkdtempSync(join(tmpdir(), "upgrade-"));
      newer = join(directory, "newer");
      version = await releasedVersion();
      env = { PATH: "/usr/bin:/bin", HOME: directory, SALLYPORT_KEYCHAIN: "off" };
      const only = PLATFORMS.filter((platform) => MADE.includes(platform) && isReleased(platform));
      const release = [
        join(ROOT, "packaging", "release.ts"),
        "--only",
        only.join(","),
        "--programs-only",
        "--draft",
      ];
      await run(process.execPath, [...release, "--version", NEWER, "--out", newer]);
    });
    afterAll(() => rmSync(directory, { recursive: true, force: true }));

    async function sallyport(program: string, ...args: string[]): Promise<Outcome> {
      try {
        return { code: 0, ...(await run(program, args, { env })) };
      } catch (error) {
        return Object(error);
      }
    }

    const versionOf = async (program: string): Promise<string> =>
      JSON.parse((await sallyport(program, "version", "--json")).stdout).version;

    /** As the gateway's script leaves it; returns the link. */
    async function install(): Promise<string> {
      const gatewayArgs = ["--http", "127.0.0.1:0", "--downloads", releaseDirectory()];
      const own = join(directory, "first");
      mkdirSync(own, { mode: 0o700 });
      const gateway = await startGateway({ directory: own, gatewayArgs });
      try {
        const script = await (await fetch(`${gateway.url}/install.sh`)).text();
        const place = join(directory, "place");
        const installing = run("sh", ["-c", script], {
          env: { ...env, SALLYPORT_HOME: place, SALLYPORT_BIN: own },
        });
        await installing;
        return join(place, "sallyport");
      } finally {
        await gateway.program.stop();
      }
    }

    it("under a running host: its session lives on, and the next start is the newer version", async () => {
      const program = await install();
      expect(await versionOf(program)).toBe(version);
      const own = join(directory, "stack");
      mkdirSync(own, { mode: 0o700 });
      const gatewayArgs = ["--http", "127.0.0.1:0", "--downloads", newer];
      const stack = await startStack({ directory: own, workspace: "demo", program: [program], gatewayArgs });
      try {
        const echo = 'echo ready; while read -r line; do echo "got $line"; done';
        const session = spawn("ssh", ["-F", stack.sshConfig, "demo", echo], {
          stdio: ["pipe", "pipe", "inherit"],
        });
        const lines = createInterface({ input: session.stdout })[Symbol.asyncIterator]();
        const said = async () => (await lines.next()).value;
        expect(await said()).toBe("ready");

        expect(await sallyport(program, "upgrade", "--check", "--gateway", stack.gateway.url)).toMatchObject({
          code: 100,
        });
        const upgraded = await sallyport(program, "upgrade", "--json", "--gateway", stack.gateway.url);
        expect(upgraded).toMatchObject({ code: 0, stderr: "" });
        expect(JSON.parse(upgraded.stdout)).toEqual({ version, installed: NEWER, changed: true });
        expect(await versionOf(program)).toBe(NEWER);

        session.stdin.write("after the upgrade\n");
        expect(await said()).toBe("got after the upgrade");
        // The host and the gateway still run the older one, the new companion is the newer one.
        const terminal = await run("ssh", ["-tt", "-F", stack.sshConfig, "demo", "tty && echo new session"]);
        expect(terminal.stdout).toMatch(/^\/dev\/pts\/\d+\r\nnew session/);
        session.stdin.end();

        const back = await sallyport(program, "upgrade", "--back");
        expect(back).toMatchObject({ code: 0 });
        expect(await versionOf(program)).toBe(version);
        const named = await sallyport(program, "upgrade", NEWER, "--gateway", "http://127.0.0.1:9");
        expect(named).toMatchObject({ code: 0 });
        expect(await versionOf(program)).toBe(NEWER);
        expect(readdirSync(join(directory, "place")).toSorted()).toEqual([
          "sallyport",
          "sallyport.old",
          "versions",
        ]);
        expect((await sallyport(program, "upgrade", "--check", "--gateway", stack.gateway.url)).code).toBe(0);
      } finally {
        await stack.stop();
      }
    });

    it("one file is replaced by one file", async () => {
      const own = join(directory, "bin");
      mkdirSync(own);
      const program = join(own, "sallyport");
      copyFileSync(releasedProgram("linux-x64"), program);
      const upgraded = await sallyport(program, "upgrade", "--from", newer);
      expect(upgraded).toMatchObject({ code: 0 });
      expect(await versionOf(program)).toBe(NEWER);
      expect(readdirSync(own).toSorted()).toEqual(["sallyport", "sallyport.old"]);
      const older = await sallyport(program, "upgrade", "--from", releaseDirectory());
      expect(older).toMatchObject({ code: 1, stderr: expect.stringContaining("older than this") });
      expect(await versionOf(program)).toBe(NEWER);
      await sallyport(program, "upgrade", "--back");
      expect(await versionOf(program)).toBe(version);
    });

    it("a release whose manifest was changed is refused", async () => {
      const forged = join(directory, "forged");
      cpSync(newer, forged, { recursive: true });
      const manifest = join(forged, "manifest.json");
      writeFileSync(manifest, readFileSync(manifest, "utf8").replaceAll(NEWER, "9.9.9"));
      const own = mkdtempSync(join(directory, "lone-"));
      const program = join(own, "sallyport");
      copyFileSync(releasedProgram("linux-x64"), program);
      const refused = await sallyport(program, "upgrade", "--from", forged);
      expect(refused).toMatchObject({
        code: 1,
        stderr: expect.stringContaining("no key which this program knows"),
      });
      expect(readdirSync(own)).toEqual(["sallyport"]);
    });

    it.skipIf(noAlpine !== undefined)(
      "in Alpine, the one file that unpacks itself is replaced by its like",
      async () => {
        const mounts = [
          { at: "/old", from: releaseDirectory(), options: "ro" },
          { at: "/new", from: newer, options: "ro" },
        ];
        await using container = await Container.start("alpine", { mounts });
        const alpine = async (script: string) => {
          const { code, stdout, stderr } = await container.run(["sh", "-ec", script], {
            env: { HOME: "/root" },
          });
          expect({ code, stderr }).toEqual({ code: 0, stderr: expect.not.stringContaining("sallyport: ") });
          return stdout;
        };
        const installed = 'cd /root/bin; ./sallyport version --json | grep -o "version[^,]*"; ls -A';
        await alpine("mkdir /root/bin; cp /old/sallyport-linux-musl-x64 /root/bin/sallyport");
        await alpine("/root/bin/sallyport upgrade --from /new/manifest.json");
        expect(await alpine(installed)).toBe(`version":"${NEWER}"\nsallyport\nsallyport.old\n`);
        expect(await alpine("head -c 2 /root/bin/sallyport")).toBe("#!");
        await alpine("/root/bin/sallyport upgrade --back");
        expect(await alpine(installed)).toBe(`version":"${version}"\nsallyport\nsallyport.old\n`);
      },
    );
  },
);
