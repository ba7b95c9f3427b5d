// Changes which loader an ELF program asks the kernel for (PT_INTERP, elf(5)), so that the loader can lie beside the program.
// The kernel reads the path by its offset in the file, so the new one is appended, and the program's memory stays as it is.

const PT_INTERP = 3;
/** Of a program header: p_offset, then p_vaddr, p_paddr, and p_filesz. */
const OFFSET = 8;
const FILE_SIZE = 32;

/** A copy whose loader is at that absolute path. @throws Error if it is not a 64-bit little-endian program with a loader */
export function withInterpreter(program: Uint8Array, path: string): Buffer {
  const text = Buffer.from(`${path}\0`);
  const file = Buffer.concat([program, text]);
  if (file.readUInt32BE(0) !== 0x7f454c46 || file[4] !== 2 || file[5] !== 1)
    throw new Error("not an ELF program");
  const start = Number(file.readBigUInt64LE(32));
  const [size, count] = [file.readUInt16LE(54), file.readUInt16LE(56)];
  for (let index = 0; index < count; index++) {
    const header = start + index * size;
    if (file.readUInt32LE(header) !== PT_INTERP) continue;
    file.writeBigUInt64LE(BigInt(program.length), header + OFFSET);
    file.writeBigUInt64LE(BigInt(text.length), header + FILE_SIZE);
    return file;
  }
  throw new Error("the program has no loader");
}
