// Writes the one type of field that Sallyport's Protocol Buffers messages have.

/** The wire type of texts and bytes. */
export const LENGTH_DELIMITED = 2;

/** A text field: tag, length, bytes. @param number below 16, so that the tag is one byte */
export function textField(number: number, text: string): Buffer {
  const bytes = Buffer.from(text, "utf8");
  const head = [(number << 3) | LENGTH_DELIMITED];
  let left = bytes.length;
  for (; left > 0x7f; left >>>= 7) head.push((left & 0x7f) | 0x80);
  return Buffer.concat([Buffer.from([...head, left]), bytes]);
}
