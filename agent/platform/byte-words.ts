// Hands words to a shell that are not UTF-8, which is all that Node passes to a process. They are written in a form that the
// printf of any POSIX shell turns back into bytes; in pieces, because this form is up to four times as long and an argument is
// limited in length.

import { bytesOf, isEncodable } from "../../protocol/values/byte-text.ts";

/** The size of one piece, before it is written. */
const PIECE_BYTES = 24 * 1024;
/** The longest word that is passed as it is: far below Linux's limit of 128 KiB. */
const PLAIN_BYTES = 64 * 1024;

/** `p` begins a word as it is, `e` a piece that others follow, `E` the last piece of a word. */
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

/** A format for printf(1) that prints these bytes (POSIX: a backslash and three octal digits per byte). */
function printfFormat(bytes: Buffer): string {
  return bytes
    .toString("latin1")
    .replace(/[^A-Za-z0-9/_.=]/g, (byte) => `\\${byte.charCodeAt(0).toString(8).padStart(3, "0")}`);
}

/**
 * Shell code that decodes the positional parameters, moving each from the front to the end. A command substitution drops
 * newlines at its end, so a full stop is added and removed. Clients cannot set variables with such names
 * (environment-requests.ts).
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
