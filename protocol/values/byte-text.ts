// Texts that are bytes to other systems: commands, variables, paths. A file name need not be UTF-8, and has to arrive as it was
// sent. Each byte that is not UTF-8 becomes a lone surrogate, U+DC80 to U+DCFF, as in Python (PEP 383). Nothing else decodes to
// one, so every text can be turned back into its bytes. Shown to a person, such a character appears as U+FFFD.

import { isUtf8 } from "node:buffer";

const ESCAPE = 0xdc00;

export function textOf(bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString("utf8");
  let text = "";
  let good = 0;
  for (let at = 0; at < bytes.length; ) {
    const length = characterLength(bytes, at);
    if (length === 0) {
      if (good < at) text += bytes.toString("utf8", good, at);
      text += String.fromCharCode(ESCAPE + (bytes[at] ?? 0));
      good = at + 1;
    }
    at += length === 0 ? 1 : length;
  }
  return text + bytes.toString("utf8", good);
}

export function bytesOf(text: string): Buffer {
  if (isEncodable(text)) return Buffer.from(text, "utf8");
  const bytes = Buffer.allocUnsafe(3 * text.length);
  let length = 0;
  let good = 0;
  for (let at = 0; at < text.length; at++) {
    const byte = text.charCodeAt(at) - ESCAPE;
    // The second half of a surrogate pair is not an escape.
    if (byte < 0x80 || byte > 0xff || isFirstHalf(text.charCodeAt(at - 1))) continue;
    if (good < at) length += bytes.write(text.slice(good, at), length, "utf8");
    bytes[length++] = byte;
    good = at + 1;
  }
  length += bytes.write(text.slice(good), length, "utf8");
  return bytes.subarray(0, length);
}

function isFirstHalf(code: number): boolean {
  return code >= 0xd800 && code < 0xdc00;
}

/** Whether the text has no lone surrogates, so that it survives being written as UTF-8. */
export function isEncodable(text: string): boolean {
  return !/[\ud800-\udfff]/u.test(text);
}

/** The length of the UTF-8 sequence that begins at `at` (RFC 3629 §4); 0: there is none. */
function characterLength(bytes: Buffer, at: number): number {
  const first = bytes[at] ?? 0;
  if (first < 0x80) return 1;
  if (first < 0xc2 || first > 0xf4) return 0;
  const length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  return at + length <= bytes.length && isUtf8(bytes.subarray(at, at + length)) ? length : 0;
}
