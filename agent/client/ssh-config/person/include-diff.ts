// A change to a person's SSH config as a unified diff, with three lines of context, for them to review. Pure.

export interface DiffLine {
  readonly sign: " " | "-" | "+";
  /** Bytes in latin1, without the line's end. */
  readonly text: string;
}

const CONTEXT = 3;
const MAX_WIDTH = 200;

export function unifiedDiff(path: string, lines: readonly DiffLine[]): string {
  const changed = lines.flatMap(({ sign }, index) => (sign === " " ? [] : [index]));
  if (changed.length === 0) return "";
  const output = [`--- ${path}`, `+++ ${path}`];
  let from = Math.max(0, (changed[0] ?? 0) - CONTEXT);
  for (const [order, index] of changed.entries()) {
    const next = changed[order + 1];
    if (next !== undefined && next - index <= 2 * CONTEXT) continue;
    const to = Math.min(lines.length, index + CONTEXT + 1);
    output.push(hunkHeader(lines, from, to), ...lines.slice(from, to).map(shown));
    if (next !== undefined) from = next - CONTEXT;
  }
  return `${output.join("\n")}\n`;
}

function hunkHeader(lines: readonly DiffLine[], from: number, to: number): string {
  const count = (sign: DiffLine["sign"], start: number, end: number) =>
    lines.slice(start, end).filter((line) => line.sign === " " || line.sign === sign).length;
  const range = (sign: "-" | "+") => {
    const length = count(sign, from, to);
    return `${sign}${count(sign, 0, from) + (length === 0 ? 0 : 1)},${length}`;
  };
  return `@@ ${range("-")} ${range("+")} @@`;
}

/** The file may contain control characters, which a terminal must not obey, and lines of megabytes. */
function shown({ sign, text }: DiffLine): string {
  const decoded = Buffer.from(text, "latin1").toString("utf8").replaceAll("\t", "    ");
  const visible = decoded.replace(/\r$/, "").replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "\uFFFD");
  return `${sign}${visible.length > MAX_WIDTH ? `${visible.slice(0, MAX_WIDTH)}…` : visible}`;
}
