// A blob in an ELF file, as binutils and Node see it.

import { execFileSync } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { injectIntoElf } from "../../../../packaging/executable/formats/elf.ts";
import { UnsuitableExecutable } from "../../../../packaging/executable/formats/fuse.ts";

const FUSE = "NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2";
const directory = mkdtempSync(join(tmpdir(), "sallyport-elf-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** One segment with four bytes of zeroes at its end, a note, and the fuse. */
function smallElf(): Buffer {
  const elf = Buffer.alloc(400);
  elf.writeUInt32BE(0x7f454c46, 0);
  elf.set([2, 1, 1], 4);
  elf.writeUInt16LE(2, 16); // EXEC
  elf.writeUInt16LE(62, 18); // x86-64
  elf.writeUInt32LE(1, 20);
  elf.writeBigUInt64LE(64n, 32);
  elf.writeUInt16LE(64, 52);
  elf.writeUInt16LE(56, 54);
  elf.writeUInt16LE(2, 56);
  header(elf, 64, { type: 1, offset: 0, address: 0x400000, fileSize: 400, memorySize: 404 });
  header(elf, 120, { type: 4, offset: 200, address: 0x400000 + 200, fileSize: 16, memorySize: 16 });
  elf.write(`${FUSE}:0`, 250, "latin1");
  return elf;
}

interface Header {
  type: number;
  offset: number;
  address: number;
  fileSize: number;
  memorySize: number;
}

function header(elf: Buffer, at: number, { type, offset, address, fileSize, memorySize }: Header): void {
  elf.writeUInt32LE(type, at);
  for (const [index, value] of [offset, address, address, fileSize, memorySize].entries()) {
    elf.writeBigUInt64LE(BigInt(value), at + 8 + index * 8);
  }
}

describe("a blob in an ELF file", () => {
  it("is a note that readelf finds, behind the zeroes that the program expects", () => {
    const blob = Buffer.from("the whole program");
    const path = join(directory, "small");
    writeFileSync(path, injectIntoElf(smallElf(), blob));
    const notes = execFileSync("readelf", ["--notes", "--wide", path], { encoding: "utf8", stdio: "pipe" });
    expect(notes).toMatch(new RegExp(`NODE_SEA_BLOB\\s+0x0*${blob.length.toString(16)}\\b`));
    const segments = execFileSync("readelf", ["--segments", "--wide", path], { encoding: "utf8" });
    const [, note] = /NOTE\s+(0x[0-9a-f]+)/.exec(segments) ?? [];
    const contents = readFileSync(path);
    expect(contents.subarray(400, Number(note)).every((byte) => byte === 0)).toBe(true);
    expect(contents.includes(blob, Number(note))).toBe(true);
    expect(contents.includes(`${FUSE}:1`)).toBe(true);
  });

  it("is refused where there is one already", () => {
    const once = injectIntoElf(smallElf(), Buffer.from("one"));
    expect(() => injectIntoElf(once, Buffer.from("two"))).toThrow("it has a blob already");
  });

  it("is refused by what is cut off or has wrong bytes in its headers, and by nothing else than an error that says so", () => {
    const whole = smallElf();
    for (let length = 0; length < 400; length += 7) {
      expect(() => injectIntoElf(whole.subarray(0, length), Buffer.alloc(1))).toThrow(UnsuitableExecutable);
    }
    fc.assert(
      fc.property(fc.nat(175), fc.nat(255), (at, value) => {
        const changed = smallElf();
        changed[at] = value;
        try {
          injectIntoElf(changed, Buffer.alloc(10));
        } catch (error) {
          expect(error).toBeInstanceOf(UnsuitableExecutable);
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describe.skipIf(process.platform !== "linux")("Node with a blob", () => {
  const program = join(directory, "program");

  beforeAll(() => {
    const [main, output, config] = ["main.js", "blob", "config.json"].map((name) => join(directory, name));
    if (main === undefined || output === undefined || config === undefined) return;
    const asset = join(directory, "asset");
    writeFileSync(asset, "built in");
    writeFileSync(main, 'console.log(require("node:sea").getAsset("a", "utf8"), ...process.argv.slice(2));');
    const settings = { main, output, disableExperimentalSEAWarning: true, assets: { a: asset } };
    writeFileSync(config, JSON.stringify(settings));
    execFileSync(process.execPath, ["--experimental-sea-config", config], { stdio: "ignore" });
    writeFileSync(program, injectIntoElf(readFileSync(process.execPath), readFileSync(output)));
    chmodSync(program, 0o755);
  });

  it("runs the script inside", () => {
    expect(execFileSync(program, ["with", "arguments"], { encoding: "utf8" })).toBe(
      "built in with arguments\n",
    );
  });
});
