// Puts a blob into a copy of Node for macOS, as Node's single executable applications want it: a section "__NODE_SEA_BLOB" in a
// segment "NODE_SEA", and the fuse flipped. The segment comes before __LINKEDIT, which has to stay the last one, and which moves
// with everything in it. A signature that was there is made again (macho-signature.ts), because arm64 runs nothing unsigned.

import { flipFuse, UnsuitableExecutable } from "./fuse.ts";
import {
  type LoadCommand,
  loadCommands,
  MACHO,
  read64,
  SEGMENT_SIZE,
  segment,
  writeCommands,
} from "./macho-commands.ts";
import { listsWithOneMore } from "./macho-fixups.ts";
import { signAdHoc } from "./macho-signature.ts";

const SECTION_SIZE = 80;
const ARM64 = 0x0100_000c;

/** Where each kind of load command has offsets into __LINKEDIT (mach-o/loader.h). A zero means there is none. */
const LINKEDIT_OFFSETS: ReadonlyMap<number, readonly number[]> = new Map([
  [MACHO.LC_SYMTAB, [8, 16]],
  [MACHO.LC_DYSYMTAB, [32, 40, 48, 56, 64, 72]],
  [MACHO.LC_FUNCTION_STARTS, [8]],
  [MACHO.LC_DATA_IN_CODE, [8]],
  [MACHO.LC_DYLD_EXPORTS_TRIE, [8]],
  [MACHO.LC_DYLD_CHAINED_FIXUPS, [8]],
]);
/** Without offsets into the file, or with ones before __LINKEDIT: LC_UUID, LC_LOAD_DYLIB, LC_LOAD_DYLINKER, LC_BUILD_VERSION, LC_MAIN. */
const UNMOVED = [0x1b, 0xc, 0xe, 0x32, MACHO.LC_SOURCE_VERSION, 0x80000028, MACHO.LC_SEGMENT_64];
/** For debuggers only: they make room where the header has too little. */
const EXPENDABLE = [MACHO.LC_SOURCE_VERSION, MACHO.LC_DATA_IN_CODE, MACHO.LC_FUNCTION_STARTS];

/** @param file for one processor, 64-bit @throws UnsuitableExecutable: malformed, unknown, or it has a blob already */
export function injectIntoMachO(file: Buffer, blob: Uint8Array): Buffer {
  let commands = loadCommands(file);
  const wasSigned = commands.some(({ type }) => type === MACHO.LC_CODE_SIGNATURE);
  commands = commands.filter(({ type }) => type !== MACHO.LC_CODE_SIGNATURE);
  const linkedit = segment(commands, "__LINKEDIT");
  const [address, offset] = [read64(linkedit, 24), read64(linkedit, 40)];
  const end = wasSigned ? signatureOffset(file) : offset + read64(linkedit, 48);
  const page = file.readUInt32LE(4) === ARM64 ? 0x4000 : 0x1000; // Of memory.
  if (offset % page !== 0 || address % page !== 0 || end > file.length || end < offset) {
    throw new UnsuitableExecutable("__LINKEDIT is not where it should be");
  }
  const room = Math.ceil(blob.length / page) * page;
  const contents = Buffer.from(file.subarray(offset, end));
  const grown = growFixups(commands, contents, offset);
  for (const command of commands) move(command, room, grown);
  linkedit.writeBigUInt64LE(BigInt(address + room), 24);
  linkedit.writeBigUInt64LE(BigInt(offset + room), 40);
  const size = contents.length + grown.added.length;
  linkedit.writeBigUInt64LE(BigInt(size), 48);
  linkedit.writeBigUInt64LE(BigInt(Math.ceil(size / page) * page), 32);
  const at = commands.findIndex(({ bytes }) => bytes === linkedit);
  const added = { type: MACHO.LC_SEGMENT_64, bytes: seaSegment(address, offset, room, blob.length) };
  commands = [...commands.slice(0, at), added, ...commands.slice(at)];
  const result = Buffer.concat([
    file.subarray(0, offset),
    blob,
    Buffer.alloc(room - blob.length),
    contents.subarray(0, grown.end - offset),
    grown.added,
    contents.subarray(grown.end - offset),
  ]);
  flipFuse(result);
  writeCommands(result, withRoom(commands, firstSection(commands) - (wasSigned ? 16 : 0)));
  return wasSigned ? signAdHoc(result, "sallyport") : result;
}

interface Grown {
  /** Offset in the original file of what is behind the fixups. */
  readonly end: number;
  readonly added: Buffer;
}

/** @param contents of __LINKEDIT, which begins at `offset`; its fixups are changed in place */
function growFixups(commands: readonly LoadCommand[], contents: Buffer, offset: number): Grown {
  const command = commands.find(({ type }) => type === MACHO.LC_DYLD_CHAINED_FIXUPS)?.bytes;
  if (command === undefined) return { end: offset, added: Buffer.alloc(0) };
  const [start, size] = [command.readUInt32LE(8), command.readUInt32LE(12)];
  const fixups = contents.subarray(start - offset, start - offset + size);
  if (start < offset || fixups.length !== size)
    throw new UnsuitableExecutable("its fixups are not in __LINKEDIT");
  const added = listsWithOneMore(fixups);
  command.writeUInt32LE(size + added.length, 12);
  return { end: start + size, added };
}

function signatureOffset(file: Buffer): number {
  const found = loadCommands(file).find(({ type }) => type === MACHO.LC_CODE_SIGNATURE);
  return found?.bytes.readUInt32LE(8) ?? file.length;
}

/** By the size of the new segment, and what comes behind the fixups by their growth too. */
function move({ type, bytes }: LoadCommand, by: number, { end, added }: Grown): void {
  const offsets = LINKEDIT_OFFSETS.get(type);
  if (offsets === undefined && !UNMOVED.includes(type)) {
    throw new UnsuitableExecutable(`it has the load command 0x${type.toString(16)}, which is not known here`);
  }
  for (const at of offsets ?? []) {
    const offset = bytes.readUInt32LE(at);
    if (offset !== 0) bytes.writeUInt32LE(offset + by + (offset >= end ? added.length : 0), at);
  }
}

/** One segment that can be read, with one section. */
function seaSegment(address: number, offset: number, room: number, size: number): Buffer {
  const bytes = Buffer.alloc(SEGMENT_SIZE + SECTION_SIZE);
  bytes.writeUInt32LE(MACHO.LC_SEGMENT_64, 0);
  bytes.writeUInt32LE(bytes.length, 4);
  bytes.write("NODE_SEA", 8, "latin1");
  for (const [at, value] of [
    [24, address],
    [32, room],
    [40, offset],
    [48, room],
  ] as const) {
    bytes.writeBigUInt64LE(BigInt(value), at);
  }
  bytes.writeUInt32LE(1, 56); // It can be read …
  bytes.writeUInt32LE(1, 60); // … from the beginning.
  bytes.writeUInt32LE(1, 64);
  bytes.write("__NODE_SEA_BLOB", SEGMENT_SIZE, "latin1");
  bytes.write("NODE_SEA", SEGMENT_SIZE + 16, "latin1");
  bytes.writeBigUInt64LE(BigInt(address), SEGMENT_SIZE + 32);
  bytes.writeBigUInt64LE(BigInt(size), SEGMENT_SIZE + 40);
  bytes.writeUInt32LE(offset, SEGMENT_SIZE + 48);
  bytes.writeUInt32LE(2, SEGMENT_SIZE + 52); // Aligned to 4 bytes.
  return bytes;
}

/** Without what can be missed, if there is no room for all. @throws UnsuitableExecutable */
function withRoom(commands: readonly LoadCommand[], end: number): readonly LoadCommand[] {
  let fitting = commands;
  for (const expendable of [undefined, ...EXPENDABLE]) {
    const dropped = fitting.find(({ type }) => type === expendable);
    fitting = fitting.filter((command) => command !== dropped);
    if (dropped !== undefined) leaveDataTo(fitting, dropped.bytes);
    const size = fitting.reduce((sum, { bytes }) => sum + bytes.length, MACHO.HEADER_SIZE as number);
    if (size <= end) return fitting;
  }
  throw new UnsuitableExecutable("there is no room for another load command");
}

/** Tools want no gaps in __LINKEDIT: the table in front of the dropped one gets its bytes, and does not look at them. */
function leaveDataTo(commands: readonly LoadCommand[], dropped: Buffer): void {
  if (dropped.readUInt32LE(0) === MACHO.LC_SOURCE_VERSION) return;
  const [offset, size] = [dropped.readUInt32LE(8), dropped.readUInt32LE(12)];
  const before = commands.find(
    ({ type, bytes }) =>
      LINKEDIT_OFFSETS.get(type)?.length === 1 && bytes.readUInt32LE(8) + bytes.readUInt32LE(12) === offset,
  );
  before?.bytes.writeUInt32LE(before.bytes.readUInt32LE(12) + size, 12);
}

/** Where the contents of the first section begin: load commands must end before it. */
function firstSection(commands: readonly LoadCommand[]): number {
  const offsets = commands.flatMap(({ type, bytes }) => {
    if (type !== MACHO.LC_SEGMENT_64) return [];
    const count = Math.min(bytes.readUInt32LE(64), (bytes.length - SEGMENT_SIZE) / SECTION_SIZE);
    return Array.from({ length: count }, (_, index) =>
      bytes.readUInt32LE(SEGMENT_SIZE + index * SECTION_SIZE + 48),
    );
  });
  return Math.min(...offsets.filter((offset) => offset > 0));
}
