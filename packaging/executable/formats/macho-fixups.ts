// The chained fixups of a Mach-O file (mach-o/fixup-chains.h): pointers that dyld sets as it loads the file, in lists by segment.
// dyld wants a list for each segment, an empty one too, so that a segment more means an entry more.

import { UnsuitableExecutable } from "./fuse.ts";

/** Of the header: where the lists begin. */
const STARTS_OFFSET = 4;

/**
 * What to append to the fixups: their lists, with an empty one before the last; and the header that leads there is changed in
 * place.
 * @throws UnsuitableExecutable
 */
export function listsWithOneMore(fixups: Buffer): Buffer {
  try {
    const start = fixups.readUInt32LE(STARTS_OFFSET);
    const count = fixups.readUInt32LE(start);
    if (count === 0 || count > 100)
      throw new UnsuitableExecutable("its fixups have an impossible number of lists");
    const offsets = Array.from({ length: count }, (_, index) => fixups.readUInt32LE(start + 4 + index * 4));
    const ends = offsets
      .filter((offset) => offset > 0)
      .map((offset) => offset + fixups.readUInt32LE(start + offset));
    const [first, end] = [Math.min(...offsets.filter((offset) => offset > 0)), Math.max(...ends)];
    if (start + end > fixups.length || first < 4 + count * 4)
      throw new UnsuitableExecutable("its fixups are cut off");
    // Lists are aligned to eight bytes, and so much the head of them grows.
    const head = align8(4 + (count + 1) * 4);
    const grown = [...offsets.slice(0, -1), 0, ...offsets.slice(-1)].map((offset) =>
      offset === 0 ? 0 : offset - first + head,
    );
    const padding = align8(fixups.length) - fixups.length;
    const added = Buffer.alloc(padding + align8(head + end - first));
    added.writeUInt32LE(count + 1, padding);
    for (const [index, offset] of grown.entries()) added.writeUInt32LE(offset, padding + 4 + index * 4);
    fixups.copy(added, padding + head, start + first, start + end);
    fixups.writeUInt32LE(fixups.length + padding, STARTS_OFFSET);
    return added;
  } catch (error) {
    throw error instanceof RangeError
      ? new UnsuitableExecutable("its fixups are cut off", { cause: error })
      : error;
  }
}

function align8(value: number): number {
  return Math.ceil(value / 8) * 8;
}
