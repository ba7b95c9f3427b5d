// Finds the managed include in a person's SSH config: a marked block with one Include line. A line that is not certainly ours is
// theirs, even between the markers. Text is bytes decoded as latin1, so that none are lost. Pure.

const BEGIN = "# >>> sallyport";
const END = "# <<< sallyport";
const MADE_FILE = "# Sallyport made this file.";

/** The lines of the block, without line ends. @param include the argument as written in the file */
export function blockLines(include: string, madeFile: boolean): string[] {
  return [
    `${BEGIN} >>> \`sallyport config-ssh --remove\` takes these lines out`,
    ...(madeFile ? [MADE_FILE] : []),
    `Include ${include}`,
    `${END} <<<`,
  ];
}

export interface FoundBlocks {
  /** Indexes of the lines that are ours. */
  readonly own: ReadonlySet<number>;
  /** The file did not exist before Sallyport. */
  readonly madeFile: boolean;
}

/**
 * Finds each begin and end marker with our lines between them or, if one of the two is missing, the other one with our lines
 * next to it.
 */
export function findBlocks(lines: readonly string[]): FoundBlocks {
  const own = new Set<number>();
  let open: number | undefined;
  for (const [index, line] of lines.entries()) {
    const text = line.trim();
    if (text.startsWith(BEGIN)) {
      if (open !== undefined) claimForward(lines, open, own);
      open = index;
    } else if (text.startsWith(END)) {
      own.add(index);
      if (open === undefined) claimBackward(lines, index, own);
      else for (let at = open; at < index; at++) if (at === open || isBody(lines[at])) own.add(at);
      open = undefined;
    }
  }
  if (open !== undefined) claimForward(lines, open, own);
  return { own, madeFile: [...own].some((index) => lines[index]?.trim() === MADE_FILE) };
}

/**
 * Whether an Include of one of `paths` comes before every Host and Match, because the person has added it by hand, for example
 * in a file that Sallyport cannot write.
 */
export function includesByHand(lines: readonly string[], paths: readonly string[]): boolean {
  for (const line of lines) {
    const found = /^\s*(\w+)(?:\s*=\s*|\s+)(.*?)\s*$/.exec(line);
    if (/^(?:host|match)$/i.test(found?.[1] ?? "")) return false;
    if (/^include$/i.test(found?.[1] ?? "") && paths.includes(unquoted(found?.[2] ?? ""))) return true;
  }
  return false;
}

function claimForward(lines: readonly string[], begin: number, own: Set<number>): void {
  own.add(begin);
  for (let at = begin + 1; isBody(lines[at]); at++) own.add(at);
}

function claimBackward(lines: readonly string[], end: number, own: Set<number>): void {
  for (let at = end - 1; isBody(lines[at]) && !own.has(at); at--) own.add(at);
}

/** The path may be outdated, if the home directory has moved or the file came from another machine. */
function isBody(line: string | undefined): boolean {
  if (line === undefined) return false;
  const text = line.trim();
  if (text === MADE_FILE) return true;
  const include = /^Include (.+)$/.exec(text)?.[1];
  return include !== undefined && /(?:^|[\\/])\.ssh[\\/]sallyport[\\/]config$/.test(unquoted(include));
}

function unquoted(text: string): string {
  return text.replace(/^"(.*)"$/, "$1");
}
