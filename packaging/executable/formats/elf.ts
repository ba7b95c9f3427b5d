// Puts a blob into a copy of Node for Linux, as Node's single executable applications want it: an ELF note "NODE_SEA_BLOB", and a
// fuse in Node's data that is flipped. The last segment that is loaded grows over its zeroes to the blob, which lies at its end,
// and the note's program header names it. Nothing moves, so it is quick and every address stays. Symbols and section headers,
// which programs do not need to run, are left out.

import { flipFuse, UnsuitableExecutable } from "./fuse.ts";

const PT_LOAD = 1;
const PT_NOTE = 4;
const HEADER_SIZE = 64;
const PROGRAM_HEADER_SIZE = 56;
const NOTE_NAME = "NODE_SEA_BLOB";
/** They become bytes of the file. Node has less than a mebibyte. */
const MAX_ZEROES = 64 * 1024 * 1024;

interface ProgramHeader {
  /** Its own place in the file. */
  readonly at: number;
  readonly type: number;
  readonly offset: number;
  readonly address: number;
  readonly fileSize: number;
  readonly memorySize: number;
}

/** @param elf 64-bit and little-endian @throws UnsuitableExecutable: malformed, unknown, or it has a blob already */
export function injectIntoElf(elf: Buffer, blob: Uint8Array): Buffer {
  const headers = programHeaders(elf);
  const loaded = headers.filter(({ type }) => type === PT_LOAD);
  const last = loaded.reduce<ProgramHeader | undefined>(
    (highest, one) => (highest === undefined || one.address > highest.address ? one : highest),
    undefined,
  );
  const note = headers.findLast(({ type }) => type === PT_NOTE);
  if (last === undefined || note === undefined)
    throw new UnsuitableExecutable("it has no segments or no note");
  const endInFile = Math.max(...loaded.map(({ offset, fileSize }) => offset + fileSize));
  if (endInFile !== last.offset + last.fileSize) {
    throw new UnsuitableExecutable("its last segment in memory is not the last one in the file");
  }
  if (last.memorySize - last.fileSize > MAX_ZEROES) throw new UnsuitableExecutable("it has too many zeroes");
  const head = noteHead(blob.length);
  const start = align(last.memorySize, 16);
  const noteSize = head.length + align(blob.length, 4);
  const result = Buffer.alloc(last.offset + start + noteSize);
  elf.copy(result, 0, 0, endInFile);
  head.copy(result, last.offset + start);
  result.set(blob, last.offset + start + head.length);
  write64(result, last.at + 32, start + noteSize);
  write64(result, last.at + 40, start + noteSize);
  write64(result, note.at + 8, last.offset + start);
  write64(result, note.at + 16, last.address + start);
  write64(result, note.at + 24, last.address + start);
  write64(result, note.at + 32, noteSize);
  write64(result, note.at + 40, noteSize);
  write64(result, note.at + 48, 4);
  write64(result, 40, 0); // No section headers: e_shoff, e_shnum, e_shstrndx.
  result.writeUInt32LE(0, 60);
  flipFuse(result);
  return result;
}

function programHeaders(elf: Buffer): ProgramHeader[] {
  const isElf64 =
    elf.length >= HEADER_SIZE && elf.readUInt32BE(0) === 0x7f454c46 && elf[4] === 2 && elf[5] === 1;
  if (!isElf64) throw new UnsuitableExecutable("it is not a 64-bit little-endian ELF file");
  const start = read64(elf, 32);
  const count = elf.readUInt16LE(56);
  if (elf.readUInt16LE(54) !== PROGRAM_HEADER_SIZE || start + count * PROGRAM_HEADER_SIZE > elf.length) {
    throw new UnsuitableExecutable("its program headers are not where they should be");
  }
  return Array.from({ length: count }, (_, index) => {
    const at = start + index * PROGRAM_HEADER_SIZE;
    const header = {
      at,
      type: elf.readUInt32LE(at),
      offset: read64(elf, at + 8),
      address: read64(elf, at + 16),
      fileSize: read64(elf, at + 32),
      memorySize: read64(elf, at + 40),
    };
    if (header.offset + header.fileSize > elf.length || header.fileSize > header.memorySize) {
      throw new UnsuitableExecutable("it is cut off");
    }
    return header;
  });
}

/** Sizes of name and description, the type (Node looks at the name only), and the name with its zeroes (elf(5), "Notes"). */
function noteHead(size: number): Buffer {
  const nameSize = NOTE_NAME.length + 1;
  const head = Buffer.alloc(12 + align(nameSize, 4));
  head.writeUInt32LE(nameSize, 0);
  head.writeUInt32LE(size, 4);
  head.write(NOTE_NAME, 12, "latin1");
  return head;
}

function align(value: number, to: number): number {
  return Math.ceil(value / to) * to;
}

/** @throws UnsuitableExecutable beyond what a file can have */
function read64(elf: Buffer, at: number): number {
  const value = elf.readBigUInt64LE(at);
  if (value > 0xffff_ffff_ffffn) throw new UnsuitableExecutable("it has an impossible size or address");
  return Number(value);
}

function write64(elf: Buffer, at: number, value: number): void {
  elf.writeBigUInt64LE(BigInt(value), at);
}
