// The load commands of a Mach-O file, which say what is where in it (mach-o/loader.h).

import { UnsuitableExecutable } from "./fuse.ts";

export const MACHO = {
  HEADER_SIZE: 32,
  LC_SEGMENT_64: 0x19,
  LC_SYMTAB: 0x2,
  LC_DYSYMTAB: 0xb,
  LC_CODE_SIGNATURE: 0x1d,
  LC_SOURCE_VERSION: 0x2a,
  LC_FUNCTION_STARTS: 0x26,
  LC_DATA_IN_CODE: 0x29,
  LC_DYLD_EXPORTS_TRIE: 0x80000033,
  LC_DYLD_CHAINED_FIXUPS: 0x80000034,
} as const;

/** Without its sections. */
export const SEGMENT_SIZE = 72;

export interface LoadCommand {
  readonly type: number;
  /** A copy, to be changed freely. */
  readonly bytes: Buffer;
}

/** @throws UnsuitableExecutable */
export function loadCommands(file: Buffer): LoadCommand[] {
  if (file.length < MACHO.HEADER_SIZE || file.readUInt32LE(0) !== 0xfeedfacf) {
    throw new UnsuitableExecutable("it is not a 64-bit Mach-O file");
  }
  const commands: LoadCommand[] = [];
  let at: number = MACHO.HEADER_SIZE;
  const end = at + file.readUInt32LE(20);
  for (let count = file.readUInt32LE(16); count > 0; count--) {
    if (at + 8 > end || end > file.length) throw new UnsuitableExecutable("its load commands are cut off");
    const size = file.readUInt32LE(at + 4);
    if (size < 8 || at + size > end) throw new UnsuitableExecutable("a load command has an impossible size");
    commands.push({ type: file.readUInt32LE(at), bytes: Buffer.from(file.subarray(at, at + size)) });
    at += size;
  }
  return commands;
}

/** Into the header; what was there is overwritten. They must fit. */
export function writeCommands(file: Buffer, commands: readonly LoadCommand[]): void {
  const bytes = Buffer.concat(commands.map((command) => command.bytes));
  const before = MACHO.HEADER_SIZE + file.readUInt32LE(20);
  file.fill(0, MACHO.HEADER_SIZE, Math.max(before, MACHO.HEADER_SIZE + bytes.length));
  bytes.copy(file, MACHO.HEADER_SIZE);
  file.writeUInt32LE(commands.length, 16);
  file.writeUInt32LE(bytes.length, 20);
}

/** @throws UnsuitableExecutable if it is missing */
export function segment(commands: readonly LoadCommand[], name: string): Buffer {
  const found = commands.find(({ type, bytes }) => type === MACHO.LC_SEGMENT_64 && text(bytes, 8) === name);
  if (found === undefined || found.bytes.length < SEGMENT_SIZE)
    throw new UnsuitableExecutable(`it has no ${name}`);
  return found.bytes;
}

export function read64(bytes: Buffer, at: number): number {
  return Number(bytes.readBigUInt64LE(at));
}

function text(bytes: Buffer, at: number): string {
  return bytes.toString("latin1", at, at + 16).replace(/\0+$/, "");
}
