// A client's WebSocket frame (RFC 6455 §5.2) by hand, with a payload of less than 126 bytes.

/** @param mask all zeros where nothing else is said, as companions and hosts have it */
export function frame(flags: number, payload: string | Buffer, mask = 0): Buffer {
  const bytes = typeof payload === "string" ? Buffer.from(payload) : payload;
  const key = Buffer.alloc(4);
  key.writeUInt32BE(mask);
  const masked = Buffer.from(bytes.map((byte, i) => byte ^ (key[i % 4] ?? 0)));
  return Buffer.concat([Buffer.of(flags, 0x80 | bytes.length), key, masked]);
}
