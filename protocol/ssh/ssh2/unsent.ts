// Counts the memory taken by data that was written to a stream but not sent yet: the smallest packets cost
// thirty times their size.

import type { Duplex } from "node:stream";
import { WAITING_MESSAGE_BYTES } from "../../limits.ts";

export interface Unsent {
  /** Bytes of memory. */
  readonly cost: number;
}

/** @param more is called after each write @param less is called when something has left */
export function countUnsent(stream: Duplex, more: () => void, less: () => void): Unsent {
  let writes = 0;
  const write: (data: Uint8Array, done: () => void) => boolean = stream.write.bind(stream);
  const left = (): void => {
    writes--;
    less();
  };
  // ssh2 passes nothing but the packet, or a part of one.
  stream.write = (data: Uint8Array): boolean => {
    writes++;
    const hasRoom = write(data, left);
    more();
    return hasRoom;
  };
  return {
    get cost() {
      return stream.writableLength + writes * WAITING_MESSAGE_BYTES;
    },
  };
}
