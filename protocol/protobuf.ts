// The one type of field that our Protocol Buffers messages are written with.

/** The wire type of texts and bytes. */
export const LENGTH_DELIMITED = 2;

/** A text with its tag and length in front. `number` is below 16: the tag is one byte. */
export function textField(number: number, text: string): Buffer {
  const bytes = Buffer.from(text, "utf8");
  const head = [(number << 3) | LENGTH_DELIMITED];
  let left = bytes.length;
  for (; left > 0x7f; left >>>= 7) head.push((left & 0x7f) | 0x80);
  return Buffer.concat([Buffer.from([...head, left]), bytes]);
}
