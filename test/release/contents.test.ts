// What is in a release: files that the manifest names, signed with the key that the programs know, and not too large.

import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { PLATFORMS, parseManifest } from "../../protocol/release/manifest.ts";
import { isReleased, releaseDirectory, releasedProgram, releaseFile } from "./support/release.ts";

const run = promisify(execFile);
const MEGABYTE = 1_000_000;

describe("a release", () => {
  it("has exactly the files that its manifest names, with their digests", () => {
    const directory = releaseDirectory();
    const { files } = parseManifest(readFileSync(join(directory, "manifest.json")));
    const own = ["manifest.json", "manifest.json.sig", "SHA256SUMS"];
    expect(readdirSync(directory).sort()).toEqual([...files.map(({ name }) => name), ...own].sort());
    for (const { name, size, sha256 } of files) {
      const contents = readFileSync(join(directory, name));
      expect({ name, size: contents.length, sha256: digest(contents) }).toEqual({ name, size, sha256 });
    }
  });

  it("has the same digests for `sha256sum -c`", async () => {
    await run("sha256sum", ["--check", "--strict", "SHA256SUMS"], { cwd: releaseDirectory() });
  });

  it.skipIf(!isReleased("linux-x64"))("has programs of at most these sizes", () => {
    expect(statSync(releasedProgram("linux-x64")).size).toBeLessThanOrEqual(115 * MEGABYTE);
    expect(statSync(releaseFile("sallyport-linux-x64.tar.xz")).size).toBeLessThanOrEqual(30 * MEGABYTE);
    expect(statSync(releaseFile("sallyport-linux-x64.tar.gz")).size).toBeLessThanOrEqual(45 * MEGABYTE);
  });

  for (const platform of PLATFORMS.filter(isReleased)) {
    it(`has everything that a person needs in the archives for ${platform}`, async () => {
      const lists = await Promise.all(
        ["gz", "xz"].map(async (kind) => {
          const { stdout } = await run("tar", ["-tf", releaseFile(`sallyport-${platform}.tar.${kind}`)]);
          return stdout.trim().split("\n");
        }),
      );
      expect(lists[0]).toEqual(lists[1]);
      expect(lists[0]).toEqual(
        expect.arrayContaining([
          platform.startsWith("win") ? "sallyport.exe" : "sallyport",
          "LICENSE",
          "THIRD-PARTY-LICENSES.txt",
          "man/sallyport.1",
          "completions/sallyport",
        ]),
      );
      if (platform.startsWith("linux")) {
        expect(lists[0]).toEqual(expect.arrayContaining(["pty.node", "sshcrypto.node"]));
      }
    });
  }
});

function digest(contents: Uint8Array): string {
  return createHash("sha256").update(contents).digest("hex");
}
