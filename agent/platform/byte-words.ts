// The words that a prelude is given, where some of them are not UTF-8: Node hands nothing else to a process. All are then written in
// a form that any POSIX shell's printf takes back, in pieces, since what is longer than a word may be is longer still in it.

import { bytesOf, isEncodable } from "../../protocol/values/byte-text.ts";

/** Of one piece, in bytes before they are written as up to four each. */
const PIECE_BYTES = 24 * 1024;
/** What goes as it is, and may be that long: far below Linux's 128 KiB. */
const PLAIN_BYTES = 64 * 1024;

/** `p`: a word as it is. `e`: a piece, with more behind it. `E`: the last piece of a word. */
export function encodeWords(words: readonly string[]): string[] {
  return words.flatMap((word) => {
    const bytes = bytesOf(word);
    if (isEncodable(word) && bytes.length <= PLAIN_BYTES) return [`p${word}`];
    const pieces = Array.from({ length: Math.max(1, Math.ceil(bytes.length / PIECE_BYTES)) }, (_, index) =>
      printfFormat(bytes.subarray(index * PIECE_BYTES, (index + 1) * PIECE_BYTES)),
    );
    return pieces.map((piece, index) => `${index < pieces.length - 1 ? "e" : "E"}${piece}`);
  });
}

/** A format of printf(1) that says these bytes (POSIX: a backslash and three octal digits for one). */
function printfFormat(bytes: Buffer): string {
  return bytes
    .toString("latin1")
    .replace(/[^A-Za-z0-9/_.=]/g, (byte) => `\\${byte.charCodeAt(0).toString(8).padStart(3, "0")}`);
}

/**
 * Turns a shell's positional parameters back: each goes from the front to the end. A command substitution drops newlines at its
 * end, so there is a full stop behind them. No client may send a name that begins like these (environment-requests.ts).
 */
export const DECODE_WORDS = `SALLYPORT_LEFT=$# SALLYPORT_WORD=
while [ "$SALLYPORT_LEFT" -gt 0 ]; do
  case $1 in
    p*) set -- "$@" "\${1#p}" ;;
    *) SALLYPORT_WORD=$SALLYPORT_WORD$(printf "\${1#?}."); SALLYPORT_WORD=\${SALLYPORT_WORD%.} ;;
  esac
  case $1 in E*) set -- "$@" "$SALLYPORT_WORD"; SALLYPORT_WORD= ;; esac
  shift
  SALLYPORT_LEFT=$((SALLYPORT_LEFT - 1))
done
unset SALLYPORT_LEFT SALLYPORT_WORD`;
