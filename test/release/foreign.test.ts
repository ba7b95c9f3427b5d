// Programs for other systems than this one, checked by other people's parsers or by running them in an emulator. `npm run
// release:check` makes all of them first.

import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, describe, expect, it } from "vitest";
import { loadCommands, MACHO } from "../../packaging/executable/formats/macho-commands.ts";
import { pageDigests } from "../../packaging/executable/formats/macho-signature.ts";
import { PartCache } from "../../packaging/executable/parts/part-cache.ts";
import { nodeRuntime } from "../../packaging/executable/parts/runtime.ts";
import { findProgram } from "../support/programs/find-program.ts";
import { lief } from "./support/lief.ts";
import { isReleased, releasedProgram, releasedVersion } from "./support/release.ts";

const run = promisify(execFile);
const directory = mkdtempSync(join(tmpdir(), "sallyport-foreign-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const emulator = findProgram("qemu-aarch64-static", []);
const ARM64_ROOT = "/usr/aarch64-linux-gnu";
const whyNoArm64 = !isReleased("linux-arm64")
  ? "the release has no linux-arm64"
  : emulator === undefined || !existsSync(ARM64_ROOT)
    ? "needs qemu-user-static, libc6-arm64-cross, libstdc++6-arm64-cross, libgcc-s1-arm64-cross"
    : undefined;

describe(`the program for Linux on arm64${whyNoArm64 === undefined ? "" : ` (skipped: ${whyNoArm64})`}`, () => {
  it.skipIf(whyNoArm64 !== undefined)("runs, with its native parts", async () => {
    const program = releasedProgram("linux-arm64");
    const { stdout } = await run(emulator ?? "", ["-L", ARM64_ROOT, program, "version", "--verbose"], {
      env: { HOME: directory },
    });
    expect(stdout).toContain(`sallyport ${await releasedVersion()} (Node 24.19.0, linux-arm64`);
    expect(stdout).toContain("SSH ciphers: native; terminals: yes");
  });
});

for (const platform of ["darwin-arm64", "darwin-x64"] as const) {
  describe.skipIf(!isReleased(platform))(`the program for ${platform}, not run here`, () => {
    it("is well-formed, with all that Node has and the blob", async () => {
      const { node } = await nodeRuntime(new PartCache(), platform);
      const before = await lief("macho", node);
      const after = await lief("macho", releasedProgram(platform));
      expect(after).toMatchObject({ counts: before.counts, layout: "", fuse: 1 });
      expect(after.blob).toBeGreaterThan(1_000_000);
    });
  });
}

describe.skipIf(!isReleased("darwin-arm64"))("the signature for macOS on arm64", () => {
  it("has the digests that Apple's linker gave to Node itself", async () => {
    const { node } = await nodeRuntime(new PartCache(), "darwin-arm64");
    const signed = readSignature(readFileSync(node));
    expect(signed.digests.length).toBeGreaterThan(10_000);
    expect(signed.computed).toEqual(signed.digests);
  });

  it("is right for every page of the program, says that nobody signed it, and notices a changed page", () => {
    const program = readFileSync(releasedProgram("darwin-arm64"));
    const { flags, digests, computed, end } = readSignature(program);
    expect(flags).toBe(0x2_0002);
    expect(computed).toEqual(digests);
    expect(end).toBe(program.length);
    program[5_000_000] = (program[5_000_000] ?? 0) ^ 1;
    expect(readSignature(program).computed).not.toEqual(digests);
  });
});

describe.skipIf(!isReleased("win-x64"))("the program for Windows, not run here", () => {
  it("is well-formed, with all that Node has and the blob", async () => {
    const { node } = await nodeRuntime(new PartCache(), "win-x64");
    const before = await lief("pe", node);
    const after = await lief("pe", releasedProgram("win-x64"));
    expect(after).toMatchObject({ counts: before.counts, layout: "", fuse: 1 });
    expect(after.blob).toBeGreaterThan(1_000_000);
  });
});

/** The one code directory of a signature that a linker made (xnu, bsd/sys/codesign.h), and what its digests should be. */
function readSignature(file: Buffer) {
  const command = loadCommands(file).find(({ type }) => type === MACHO.LC_CODE_SIGNATURE)?.bytes;
  if (command === undefined) throw new Error("it is not signed");
  const [start, size] = [command.readUInt32LE(8), command.readUInt32LE(12)];
  const directory = start + file.readUInt32BE(start + 16);
  const [hashes, count] = [file.readUInt32BE(directory + 16), file.readUInt32BE(directory + 28)];
  const digests = Array.from({ length: count }, (_, page) => {
    const at = directory + hashes + page * 32;
    return file.toString("hex", at, at + 32);
  });
  return {
    flags: file.readUInt32BE(directory + 12),
    digests,
    computed: pageDigests(file.subarray(0, file.readUInt32BE(directory + 32))).map((one) =>
      one.toString("hex"),
    ),
    end: start + size,
  };
}
