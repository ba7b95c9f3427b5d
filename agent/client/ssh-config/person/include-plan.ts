// What has to change in the person's own SSH config so that it includes Sallyport's, and what takes it out again: bytes in,
// bytes out, and a diff to ask about. Nothing of theirs moves by a byte. Pure.

import { blockLines, findBlocks, includesByHand } from "./include-block.ts";
import { type DiffLine, unifiedDiff } from "./include-diff.ts";

export const MAX_CONFIG_BYTES = 4 * 1024 * 1024;

export interface PlanOptions {
  /** The person's file, for the diff. */
  readonly path: string;
  /** The argument of the Include line, quoted as it has to be. */
  readonly include: string;
  /** Other ways in which a person may have written the same path by hand, unquoted. */
  readonly spellings?: readonly string[];
  /** Why the file cannot be written; undefined: it can. */
  readonly readOnly?: string | undefined;
}

export type Plan =
  | { readonly kind: "unchanged" }
  | Change
  | {
      readonly kind: "refused";
      readonly code: "too_large" | "not_text" | "read_only" | "unreadable";
      readonly message: string;
      /** For the person to put at the top of their file by themselves, or to take out. */
      readonly line: string;
    };

export interface Change {
  readonly kind: "change";
  /** undefined: the file does not exist. */
  readonly before: Buffer | undefined;
  /** undefined: Sallyport made the file and nothing else is in it. */
  readonly after: Buffer | undefined;
  readonly diff: string;
}

/** `before` undefined: there is no file. */
export function planInclude(before: Buffer | undefined, options: PlanOptions): Plan {
  const refusal = refuse(before, options);
  if (refusal !== undefined) return refusal;
  const { mark, lines } = split(before);
  const { own, madeFile } = findBlocks(lines);
  const block = blockLines(latin1(options.include), madeFile || before === undefined);
  if (own.size === 0 && includesByHand(lines, spellings(options))) return { kind: "unchanged" };
  if (own.size === block.length && block.every((line, index) => lines[index]?.trimEnd() === line)) {
    return { kind: "unchanged" };
  }
  const theirs = lines.filter((_, index) => !own.has(index));
  const end = (theirs[0] ?? lines[0] ?? "").endsWith("\r\n") ? "\r\n" : "\n";
  return change(before, Buffer.from(`${mark}${block.join(end)}${end}${theirs.join("")}`, "latin1"), options, [
    ...block.map((text): DiffLine => ({ sign: "+", text })),
    ...lines.map((line, index) => diffLine(line, own.has(index))),
  ]);
}

/** Takes every block out, however many there are and however damaged. */
export function planRemoval(before: Buffer | undefined, options: PlanOptions): Plan {
  if (before === undefined) return { kind: "unchanged" };
  const { mark, lines } = split(before);
  const { own, madeFile } = findBlocks(lines);
  if (own.size === 0) return { kind: "unchanged" };
  const refusal = refuse(before, options);
  if (refusal !== undefined) return refusal;
  const rest = `${mark}${lines.filter((_, index) => !own.has(index)).join("")}`;
  const after = rest === "" && madeFile ? undefined : Buffer.from(rest, "latin1");
  return change(
    before,
    after,
    options,
    lines.map((line, index) => diffLine(line, own.has(index))),
  );
}

/** Whether the file has a block of ours, however damaged, or one of `spellings` by hand. */
export function includesManaged(bytes: Buffer, spellings: readonly string[]): boolean {
  const { lines } = split(bytes);
  return findBlocks(lines).own.size > 0 || includesByHand(lines, spellings.map(latin1));
}

function change(
  before: Buffer | undefined,
  after: Buffer | undefined,
  { path, readOnly, include }: PlanOptions,
  lines: readonly DiffLine[],
): Plan {
  if (readOnly !== undefined) {
    return { kind: "refused", code: "read_only", message: readOnly, line: `Include ${include}` };
  }
  return { kind: "change", before, after, diff: unifiedDiff(path, lines) };
}

function refuse(bytes: Buffer | undefined, { path, include }: PlanOptions): Plan | undefined {
  const line = `Include ${include}`;
  if (bytes === undefined) return undefined;
  if (bytes.length > MAX_CONFIG_BYTES) {
    const message = `${path} is larger than 4 MiB, which no SSH configuration is.`;
    return { kind: "refused", code: "too_large", message, line };
  }
  // UTF-16: ssh cannot read it, and a line of ASCII would make it unreadable for everybody.
  if ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff)) {
    const message = `${path} is UTF-16, which ssh cannot read: save it as UTF-8.`;
    return { kind: "refused", code: "not_text", message, line };
  }
  return undefined;
}

/** The byte order mark, if any, which has to stay first, and the lines with their ends. */
function split(bytes: Buffer | undefined): { mark: string; lines: string[] } {
  const text = bytes?.toString("latin1") ?? "";
  const mark = text.startsWith("\xef\xbb\xbf") ? "\xef\xbb\xbf" : "";
  return { mark, lines: text.slice(mark.length).match(/[^\n]*\n|[^\n]+$/g) ?? [] };
}

function spellings({ include, spellings: more = [] }: PlanOptions): string[] {
  return [include.replace(/^"(.*)"$/, "$1"), ...more].map(latin1);
}

function diffLine(line: string, removed: boolean): DiffLine {
  return { sign: removed ? "-" : " ", text: line.replace(/\r?\n$/, "") };
}

function latin1(text: string): string {
  return Buffer.from(text, "utf8").toString("latin1");
}
