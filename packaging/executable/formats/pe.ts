// Puts a blob into a copy of Node for Windows, as Node's single executable applications want it: a resource of raw data named
// "NODE_SEA_BLOB", and the fuse flipped. The directory of resources is written again, with one entry more, into a section of its
// own at the end; the other resources stay where they are. A signature would no longer be valid, and is taken off.

import { flipFuse, UnsuitableExecutable } from "./fuse.ts";

const NAME = "NODE_SEA_BLOB";
const RT_RCDATA = 10;
const LANGUAGE_NEUTRAL = 0;
const SECTION_HEADER_SIZE = 40;
/** Of the data directories: resources, and the certificate table. */
const RESOURCES = 2;
const CERTIFICATES = 4;
/** IMAGE_SCN_CNT_INITIALIZED_DATA | IMAGE_SCN_MEM_READ. */
const READABLE_DATA = 0x4000_0040;
/** Types, names and languages. */
const DEPTH = 3;

interface Data {
  /** Relative to the image. */
  readonly address: number;
  readonly size: number;
  readonly codePage: number;
}

type Entry = Directory | Data;
/** By number, or by name. */
type Directory = Map<number | string, Entry>;

interface Section {
  readonly address: number;
  readonly offset: number;
  readonly size: number;
}

/** @param file 64-bit @throws UnsuitableExecutable: malformed, or it has a blob already */
export function injectIntoPe(file: Buffer, blob: Uint8Array): Buffer {
  const image = parse(file);
  const root = readResources(file, image);
  const raw = root.get(RT_RCDATA) ?? new Map<number | string, Entry>();
  if (!(raw instanceof Map) || raw.has(NAME)) throw new UnsuitableExecutable("it has a blob already");
  root.set(RT_RCDATA, raw.set(NAME, new Map([[LANGUAGE_NEUTRAL, { address: 0, size: 0, codePage: 0 }]])));
  const address = align(image.end, image.sectionAlignment);
  const directorySize = align(writeResources(root).length, 16);
  raw.set(
    NAME,
    new Map([[LANGUAGE_NEUTRAL, { address: address + directorySize, size: blob.length, codePage: 0 }]]),
  );
  const start = align(image.contentsEnd, image.fileAlignment);
  const size = directorySize + blob.length;
  const result = Buffer.alloc(start + align(size, image.fileAlignment));
  file.copy(result, 0, 0, image.contentsEnd);
  writeResources(root).copy(result, start);
  result.set(blob, start + directorySize);
  addSection(result, image, { address, offset: start, size });
  flipFuse(result);
  return result;
}

interface Image {
  readonly sections: readonly Section[];
  /** Offsets of headers in the file. */
  readonly header: number;
  readonly optional: number;
  readonly newSection: number;
  readonly sectionAlignment: number;
  readonly fileAlignment: number;
  /** Of the image in memory. */
  readonly end: number;
  /** Where the sections end in the file; a certificate may follow. */
  readonly contentsEnd: number;
}

function parse(file: Buffer): Image {
  try {
    const header = file.readUInt32LE(60);
    const optional = header + 24;
    const isPe64 =
      file.readUInt16LE(0) === 0x5a4d &&
      file.readUInt32LE(header) === 0x4550 &&
      file.readUInt16LE(optional) === 0x20b;
    if (!isPe64) throw new UnsuitableExecutable("it is not a 64-bit PE file");
    const table = optional + file.readUInt16LE(header + 20);
    const count = file.readUInt16LE(header + 6);
    const sections = Array.from({ length: count }, (_, index) => {
      const at = table + index * SECTION_HEADER_SIZE;
      return {
        address: file.readUInt32LE(at + 12),
        size: file.readUInt32LE(at + 16),
        offset: file.readUInt32LE(at + 20),
      };
    });
    const newSection = table + count * SECTION_HEADER_SIZE;
    if (newSection + SECTION_HEADER_SIZE > file.readUInt32LE(optional + 60)) {
      throw new UnsuitableExecutable("there is no room for another section");
    }
    const contentsEnd = Math.max(...sections.map(({ offset, size }) => offset + size));
    if (contentsEnd > file.length) throw new UnsuitableExecutable("it is cut off");
    return {
      sections,
      header,
      optional,
      newSection,
      sectionAlignment: file.readUInt32LE(optional + 32),
      fileAlignment: file.readUInt32LE(optional + 36),
      end: file.readUInt32LE(optional + 56),
      contentsEnd,
    };
  } catch (error) {
    throw error instanceof RangeError ? new UnsuitableExecutable("it is cut off", { cause: error }) : error;
  }
}

function directoryAt({ optional }: Image, index: number): number {
  return optional + 112 + index * 8;
}

function readResources(file: Buffer, image: Image): Directory {
  const address = file.readUInt32LE(directoryAt(image, RESOURCES));
  if (address === 0) return new Map();
  const section = image.sections.find((one) => address >= one.address && address < one.address + one.size);
  if (section === undefined) throw new UnsuitableExecutable("its resources are not in a section");
  const start = section.offset + address - section.address;
  return readDirectory(file.subarray(start, section.offset + section.size), 0, 1);
}

function readDirectory(resources: Buffer, at: number, depth: number): Directory {
  const count = resources.readUInt16LE(at + 12) + resources.readUInt16LE(at + 14);
  const directory: Directory = new Map();
  for (let index = 0; index < count; index++) {
    const [name, target] = [
      resources.readUInt32LE(at + 16 + index * 8),
      resources.readUInt32LE(at + 20 + index * 8),
    ];
    const isDirectory = target >= 0x8000_0000;
    if (isDirectory !== depth < DEPTH)
      throw new UnsuitableExecutable("its resources are not in three levels");
    directory.set(
      name >= 0x8000_0000 ? readName(resources, name - 0x8000_0000) : name,
      isDirectory ? readDirectory(resources, target - 0x8000_0000, depth + 1) : readData(resources, target),
    );
  }
  return directory;
}

function readName(resources: Buffer, at: number): string {
  return resources.toString("utf16le", at + 2, at + 2 + 2 * resources.readUInt16LE(at));
}

function readData(resources: Buffer, at: number): Data {
  return {
    address: resources.readUInt32LE(at),
    size: resources.readUInt32LE(at + 4),
    codePage: resources.readUInt32LE(at + 8),
  };
}

/** Positions in it count from its own beginning. */
function writeResources(root: Directory): Buffer {
  const parts: Buffer[] = [];
  let size = 0;
  const add = (part: Buffer): number => {
    const at = size;
    parts.push(part);
    size += part.length;
    return at;
  };
  const write = (entry: Entry): number => {
    if (!(entry instanceof Map)) {
      const data = Buffer.alloc(16);
      data.writeUInt32LE(entry.address, 0);
      data.writeUInt32LE(entry.size, 4);
      data.writeUInt32LE(entry.codePage, 8);
      return add(data);
    }
    const entries = sorted(entry);
    const table = Buffer.alloc(16 + entries.length * 8);
    const named = entries.filter(([name]) => typeof name === "string").length;
    table.writeUInt16LE(named, 12);
    table.writeUInt16LE(entries.length - named, 14);
    const at = add(table);
    for (const [index, [name, target]] of entries.entries()) {
      table.writeUInt32LE(
        typeof name === "number" ? name : 0x8000_0000 + add(nameBytes(name)),
        16 + index * 8,
      );
      table.writeUInt32LE((target instanceof Map ? 0x8000_0000 : 0) + write(target), 20 + index * 8);
    }
    return at;
  };
  write(root);
  return Buffer.concat(parts);
}

/** Names first, in their order, then numbers. */
function sorted(directory: Directory): [number | string, Entry][] {
  return [...directory].sort(([a], [b]) => {
    if (typeof a !== typeof b) return typeof a === "string" ? -1 : 1;
    return a < b ? -1 : 1;
  });
}

/** With its length in front, and as many bytes as keep the next one aligned. */
function nameBytes(name: string): Buffer {
  const bytes = Buffer.alloc(align(2 + name.length * 2, 8));
  bytes.writeUInt16LE(name.length, 0);
  bytes.write(name, 2, "utf16le");
  return bytes;
}

function addSection(file: Buffer, image: Image, { address, offset, size }: Section): void {
  const at = image.newSection;
  file.fill(0, at, at + SECTION_HEADER_SIZE);
  file.write(".sea", at, "latin1");
  file.writeUInt32LE(size, at + 8);
  file.writeUInt32LE(address, at + 12);
  file.writeUInt32LE(align(size, image.fileAlignment), at + 16);
  file.writeUInt32LE(offset, at + 20);
  file.writeUInt32LE(READABLE_DATA, at + 36);
  file.writeUInt16LE(image.sections.length + 1, image.header + 6);
  file.writeUInt32LE(align(address + size, image.sectionAlignment), image.optional + 56);
  file.writeUInt32LE(0, image.optional + 64); // No checksum: only drivers need one.
  file.writeUInt32LE(address, directoryAt(image, RESOURCES));
  file.writeUInt32LE(size, directoryAt(image, RESOURCES) + 4);
  file.writeBigUInt64LE(0n, directoryAt(image, CERTIFICATES));
}

function align(value: number, to: number): number {
  return Math.ceil(value / to) * to;
}
