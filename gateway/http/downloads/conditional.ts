// What a request for a file gets by its conditions (RFC 9110 §13, §14): all of it, a part of it, or word that the client has it
// already. Pure. The entity tag is strong, since it is the digest of the bytes.

/** The header fields that matter. */
interface Conditions {
  readonly "if-none-match"?: string | undefined;
  readonly "if-range"?: string | undefined;
  readonly range?: string | undefined;
}

/** `end` is the last byte. */
export type Part =
  | { readonly status: 200 | 206; readonly start: number; readonly end: number }
  | { readonly status: 304 }
  | { readonly status: 416 };

/**
 * @param etag with its quotes
 * @param size in bytes, at least 1
 */
export function partFor(conditions: Conditions, etag: string, size: number): Part {
  const { "if-none-match": known, "if-range": unchanged, range } = conditions;
  if (known !== undefined && matchesAny(known, etag)) return { status: 304 };
  const whole = { status: 200, start: 0, end: size - 1 } as const;
  // A date as If-Range is not one that was sent from here: the whole file is right then.
  if (range === undefined || (unchanged !== undefined && unchanged.trim() !== etag)) return whole;
  // Several ranges in one request may be ignored, as may other units (§14.2).
  const [, first = "", last = ""] = /^bytes=[ \t]*(\d{0,15})-(\d{0,15})[ \t]*$/i.exec(range) ?? [];
  if (first === "" && last === "") return whole;
  if (first === "") {
    const length = Math.min(Number(last), size);
    return length === 0 ? { status: 416 } : { status: 206, start: size - length, end: size - 1 };
  }
  const start = Number(first);
  if (last !== "" && Number(last) < start) return whole;
  if (start >= size) return { status: 416 };
  return { status: 206, start, end: last === "" ? size - 1 : Math.min(Number(last), size - 1) };
}

/** If-None-Match compares weakly (§13.1.2). */
function matchesAny(header: string, etag: string): boolean {
  if (header.trim() === "*") return true;
  return header.split(",").some((tag) => tag.trim().replace(/^W\//, "") === etag);
}
