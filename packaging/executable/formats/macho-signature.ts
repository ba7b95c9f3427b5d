// The ad-hoc signature that macOS on arm64 wants of every program: digests of its pages, signed by nobody. Same form as what
// Apple's linker makes (xnu, bsd/sys/codesign.h: SuperBlob, CodeDirectory version 0x20400), at the end of __LINKEDIT.

import { createHash } from "node:crypto";
import { type LoadCommand, loadCommands, MACHO, read64, segment, writeCommands } from "./macho-commands.ts";

/** Of the digests, and not of memory. */
const PAGE = 4096;
const SHA256_SIZE = 32;
const SUPER_BLOB_SIZE = 20;
const DIRECTORY_SIZE = 88;
/** CS_ADHOC | CS_LINKER_SIGNED. */
const FLAGS = 0x2_0002;
const MAIN_BINARY = 1;

/**
 * The file with a signature.
 * @param file has no signature, and room for one load command
 * @throws UnsuitableExecutable
 */
export function signAdHoc(file: Buffer, identifier: string): Buffer {
  const commands = loadCommands(file);
  const linkedit = segment(commands, "__LINKEDIT");
  const start = Math.ceil(file.length / 16) * 16;
  const size = signatureSize(start, identifier);
  const result = Buffer.alloc(start + size);
  file.copy(result);
  const inSegment = start + size - read64(linkedit, 40);
  linkedit.writeBigUInt64LE(BigInt(inSegment), 48);
  linkedit.writeBigUInt64LE(BigInt(Math.ceil(inSegment / 0x4000) * 0x4000), 32);
  writeCommands(result, [...commands, signatureCommand(start, size)]);
  const text = segment(commands, "__TEXT");
  signature(result.subarray(0, start), identifier, read64(text, 48)).copy(result, start);
  return result;
}

/** The digest of each page: the last one may be shorter. */
export function pageDigests(code: Buffer): Buffer[] {
  return Array.from({ length: Math.ceil(code.length / PAGE) }, (_, page) =>
    createHash("sha256")
      .update(code.subarray(page * PAGE, (page + 1) * PAGE))
      .digest(),
  );
}

function signatureSize(codeSize: number, identifier: string): number {
  const digests = Math.ceil(codeSize / PAGE) * SHA256_SIZE;
  return Math.ceil((SUPER_BLOB_SIZE + DIRECTORY_SIZE + identifier.length + 1 + digests) / 16) * 16;
}

function signatureCommand(offset: number, size: number): LoadCommand {
  const bytes = Buffer.alloc(16);
  bytes.writeUInt32LE(MACHO.LC_CODE_SIGNATURE, 0);
  bytes.writeUInt32LE(bytes.length, 4);
  bytes.writeUInt32LE(offset, 8);
  bytes.writeUInt32LE(size, 12);
  return { type: MACHO.LC_CODE_SIGNATURE, bytes };
}

/** Numbers in a signature are big-endian. */
function signature(code: Buffer, identifier: string, textSize: number): Buffer {
  const digests = pageDigests(code);
  const name = Buffer.from(`${identifier}\0`);
  const directory = Buffer.alloc(DIRECTORY_SIZE);
  const hashOffset = DIRECTORY_SIZE + name.length;
  const length = hashOffset + digests.length * SHA256_SIZE;
  directory.writeUInt32BE(0xfade_0c02, 0);
  directory.writeUInt32BE(length, 4);
  directory.writeUInt32BE(0x2_0400, 8);
  directory.writeUInt32BE(FLAGS, 12);
  directory.writeUInt32BE(hashOffset, 16);
  directory.writeUInt32BE(DIRECTORY_SIZE, 20); // The identifier.
  directory.writeUInt32BE(digests.length, 28);
  directory.writeUInt32BE(code.length, 32);
  directory.writeUInt8(SHA256_SIZE, 36);
  directory.writeUInt8(2, 37); // SHA-256.
  directory.writeUInt8(Math.log2(PAGE), 39);
  directory.writeBigUInt64BE(BigInt(textSize), 72); // __TEXT, which begins at 0.
  directory.writeBigUInt64BE(BigInt(MAIN_BINARY), 80);
  const superBlob = Buffer.alloc(SUPER_BLOB_SIZE);
  superBlob.writeUInt32BE(0xfade_0cc0, 0);
  superBlob.writeUInt32BE(SUPER_BLOB_SIZE + length, 4);
  superBlob.writeUInt32BE(1, 8); // One entry: the code directory (0) …
  superBlob.writeUInt32BE(SUPER_BLOB_SIZE, 16); // … which follows at once.
  return Buffer.concat([superBlob, directory, name, ...digests]);
}
