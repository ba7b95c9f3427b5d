// The header of a WebSocket frame (RFC 6455 §5.2).

export const FRAME_FLAGS = { final: 0x80, binary: 0x02, continuation: 0x00 } as const;

/**
 * A client's mask of zeros, which costs neither side anything. Masking protects proxies that read plain HTTP (§10.3); inside
 * TLS, and within one machine, there are none.
 */
export function zeroMask(mask: Buffer): void {
  mask.fill(0);
}

/** In bytes. @param masked for a client's frame, which has a mask */
export function frameHeaderLength(length: number, masked: boolean): number {
  return (length < 126 ? 2 : length < 65_536 ? 4 : 10) + (masked ? 4 : 0);
}

/** Writes the header of a frame with `length` bytes of payload to `target` at `at`, with a mask of zeros. Returns its size. */
export function writeFrameHeader(
  target: Buffer,
  at: number,
  length: number,
  flags: number,
  masked: boolean,
): number {
  const size = frameHeaderLength(length, masked);
  const maskBit = masked ? 0x80 : 0;
  target[at] = flags;
  if (length < 126) {
    target[at + 1] = maskBit | length;
  } else if (length < 65_536) {
    target[at + 1] = maskBit | 126;
    target.writeUInt16BE(length, at + 2);
  } else {
    target[at + 1] = maskBit | 127;
    target.writeBigUInt64BE(BigInt(length), at + 2);
  }
  if (masked) target.writeUInt32BE(0, at + size - 4);
  return size;
}
