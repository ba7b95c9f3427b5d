// Systems with an older glibc than the one that builds: Debian 11 (2.31), and 2.28 as RHEL 8 and Debian 10 have it.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CHECKS } from "../../../scripts/demo/checks.ts";
import { isReleased, releaseFile } from "../support/release.ts";
import { sshInto, startHostInside } from "./host-inside.ts";
import { type InstalledStack, PROGRAM, startInstalledStack, whyNot } from "./installed-stack.ts";

describe.each(["linux-x64", "linux-arm64"] as const)("the program for %s", (platform) => {
  const isThere = isReleased(platform);
  if (!isThere) console.warn(`skipped: glibc of ${platform}: the release has none`);

  test.skipIf(!isThere)("and its native parts need nothing newer than glibc 2.28", () => {
    const directory = mkdtempSync(join(tmpdir(), "sallyport-glibc-"));
    try {
      execFileSync("tar", ["-xzf", releaseFile(`sallyport-${platform}.tar.gz`), "-C", directory]);
      const files = readdirSync(directory).filter((name) => name === "sallyport" || name.endsWith(".node"));
      expect(files.toSorted()).toEqual(["pty.node", "sallyport", "sshcrypto.node"]);
      for (const name of files) {
        const minors = neededMinors(readFileSync(join(directory, name)));
        expect(minors.length).toBeGreaterThan(0);
        expect({ name, newer: minors.filter((minor) => minor > 28) }).toEqual({ name, newer: [] });
      }
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });
});

/**
 * The x of each GLIBC_2.x that a program names: entries of its table of strings, since the executable has no table of sections, by
 * which readelf would look.
 */
function neededMinors(program: Buffer): readonly number[] {
  const minors: number[] = [];
  const start = "\0GLIBC_2.";
  for (let at = program.indexOf(start); at !== -1; at = program.indexOf(start, at + 1)) {
    const end = program.indexOf("\0", at + 1);
    minors.push(Number(program.toString("latin1", at + start.length, end).split(".")[0]));
  }
  return minors;
}

const reason = whyNot("debian-11", "linux-x64");
if (reason !== undefined) console.warn(`skipped: Debian 11: ${reason}`);

describe.skipIf(reason !== undefined)("in Debian 11", () => {
  let inside: InstalledStack;
  beforeAll(async () => {
    inside = await startInstalledStack("debian-11", "linux-x64", ["--workers", "2"]);
  });
  afterAll(async () => {
    await inside?.[Symbol.asyncDispose]();
  });

  test("ciphers are native, and there are terminals", async () => {
    const { stdout } = await inside.container.run([PROGRAM, "version", "--verbose", "--json"]);
    expect(JSON.parse(stdout)).toMatchObject({ native: { sshCiphers: true, terminals: true } });
  });

  test.each(CHECKS.map((check) => [check.name, check] as const))("%s", async (_, check) => {
    const { directory, workspace, stack } = inside;
    const signal = AbortSignal.timeout(240_000);
    await check.run({ directory, workspace, sshConfig: stack.sshConfig, signal, show: () => {} });
  });

  test("a machine that has neither bash nor busybox has sessions all the same", async () => {
    const { container } = inside;
    expect(await container.run(["rm", "-f", "/bin/bash", "/usr/bin/bash"])).toMatchObject({ code: 0 });
    const host = await startHostInside(inside, {
      name: "dash",
      args: ["--state", "/root/dash", "--shell", "/bin/sh"],
    });
    try {
      const { stdout } = await sshInto(
        inside,
        "dash",
        // A shell that makes a pipe has one more descriptor for a moment, and one that ends with a command becomes it.
        "readlink -f /proc/$$/exe; readlink /proc/self/fd/0 | sed 's/:.*//'; ls /proc/$$/fd; true",
      );
      expect(stdout).toMatch(/\/dash\npipe\n0\n1\n2\n$/);
    } finally {
      await host.stop();
    }
  });
});
