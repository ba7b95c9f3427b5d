// Plans the change that adds the managed include to a person's SSH config, or removes it: bytes in, bytes and a diff out. The
// person's own bytes stay exactly as they are. Pure.

import { blockLines, findBlocks, includesByHand } from "./include-block.ts";
import { type DiffLine, unifiedDiff } from "./include-diff.ts";

export const MAX_CONFIG_BYTES = 4 * 1024 * 1024;

export interface PlanOptions {
  /** The person's file, for the diff. */
  readonly path: string;
  /** The argument of the Include line, quoted. */
  readonly include: string;
  /** Other spellings of the path that a person may have written by hand, unquoted. */
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
      /** The line for the person to add at the top of their file, or to remove, by hand. */
      readonly line: string;
    };

export interface Change {
  readonly kind: "change";
  /** undefined: the file does not exist. */
  readonly before: Buffer | undefined;
  /** undefined: the file is removed, because Sallyport made it and nothing else is in it. */
  readonly after: Buffer | undefined;
  readonly diff: string;
}

/** @param before undefined: there is no file */
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

/** Removes all blocks, also damaged ones. */
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

/** Whether the file contains a block of ours, even a damaged one, or an Include of one of `spellings`. */
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
  // UTF-16: ssh cannot read it, and a line in ASCII would make it unreadable for all programs.
  if ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff)) {
    const message = `${path} is UTF-16, which ssh cannot read: save it as UTF-8.`;
    return { kind: "refused", code: "not_text", message, line };
  }
  return undefined;
}

/** The byte order mark, if there is one, which has to stay first, and the lines with their line ends. */
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
