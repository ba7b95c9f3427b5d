// Files for macOS and Windows that a blob cannot be put into. What becomes of Node itself is checked by test/release/foreign.test.ts.

import { expect, it } from "vitest";
import { UnsuitableExecutable } from "../../../../packaging/executable/formats/fuse.ts";
import { injectIntoMachO } from "../../../../packaging/executable/formats/macho.ts";
import { injectIntoPe } from "../../../../packaging/executable/formats/pe.ts";

it("refuses what is not a program, or a piece of one", () => {
  const header = Buffer.alloc(32);
  header.writeUInt32LE(0xfeedfacf, 0);
  header.writeUInt32LE(3, 16);
  header.writeUInt32LE(500, 20);
  const noCommands = Buffer.from(header);
  noCommands.fill(0, 16, 24);
  for (const file of [Buffer.alloc(0), Buffer.alloc(4096), header, noCommands]) {
    expect(() => injectIntoMachO(file, Buffer.alloc(1))).toThrow(UnsuitableExecutable);
  }
});

it("refuses the same for Windows", () => {
  const dos = Buffer.alloc(200);
  dos.write("MZ", 0, "latin1");
  dos.writeUInt32LE(190, 60);
  for (const file of [Buffer.alloc(0), Buffer.alloc(4096), dos]) {
    expect(() => injectIntoPe(file, Buffer.alloc(1))).toThrow(UnsuitableExecutable);
  }
});
