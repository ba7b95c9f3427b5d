// Texts that other systems take for bytes: commands, variables, paths. A file name need not be UTF-8, and reaches its place as it
// was sent. Each byte that is not UTF-8 becomes a lone surrogate, U+DC80 to U+DCFF, as Python has it (PEP 383): nothing else
// decodes to one, so that every text gives its bytes back. What shows such a text shows U+FFFD in its places.

import { isUtf8 } from "node:buffer";

const ESCAPE = 0xdc00;

export function textOf(bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString("utf8");
  let text = "";
  let good = 0;
  for (let at = 0; at < bytes.length; ) {
    const length = characterLength(bytes, at);
    if (length === 0) {
      text += bytes.toString("utf8", good, at) + String.fromCharCode(ESCAPE + (bytes[at] ?? 0));
      good = at + 1;
    }
    at += length === 0 ? 1 : length;
  }
  return text + bytes.toString("utf8", good);
}

export function bytesOf(text: string): Buffer {
  if (isEncodable(text)) return Buffer.from(text, "utf8");
  const parts: Buffer[] = [];
  for (const part of text.split(/([\udc80-\udcff])/u)) {
    const code = part.length === 1 ? part.charCodeAt(0) - ESCAPE : 0;
    parts.push(code >= 0x80 && code <= 0xff ? Buffer.from([code]) : Buffer.from(part, "utf8"));
  }
  return Buffer.concat(parts);
}

/** Whether the text is what any system makes of its UTF-8. */
export function isEncodable(text: string): boolean {
  return !/[\ud800-\udfff]/u.test(text);
}

/** How long the UTF-8 sequence is that begins here; 0: it is none. */
function characterLength(bytes: Buffer, at: number): number {
  for (let length = 1; length <= 4 && at + length <= bytes.length; length++) {
    if (isUtf8(bytes.subarray(at, at + length))) return length;
  }
  return 0;
}
