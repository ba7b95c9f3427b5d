// Filters lists of many rows while somebody types. The work is cut into slices, so that no keystroke waits for thousands of
// rows.

import { useEffect, useState } from "preact/hooks";

const SLICE_MS = 6;
/** Rows between two looks at the clock. */
const STEP = 200;

export interface Slices {
  /** Milliseconds. */
  readonly now: () => number;
  /** Settles when the page had its turn. */
  readonly pause: () => Promise<void>;
}
const BROWSER: Slices = {
  now: () => performance.now(),
  pause: () => new Promise((resolve) => setTimeout(resolve, 0)),
};

/** The words that a row must have, each of them anywhere. */
export function wordsOf(text: string): string[] {
  return text.toLowerCase().split(/\s+/).filter(Boolean);
}

/** The rows that match, in their order; undefined: `signal` has ended it. */
export async function filterInSlices<T>(
  rows: readonly T[],
  matches: (row: T) => boolean,
  signal: AbortSignal,
  { now, pause }: Slices = BROWSER,
): Promise<readonly T[] | undefined> {
  const found: T[] = [];
  let since = now();
  for (let at = 0; at < rows.length; at += STEP) {
    if (at > 0 && now() - since >= SLICE_MS) {
      await pause();
      since = now();
    }
    if (signal.aborted) return undefined;
    for (const row of rows.slice(at, at + STEP)) if (matches(row)) found.push(row);
  }
  return found;
}

/**
 * The rows that have all words of `text`. `textOf` gives what is searched in; it is asked once for each row object.
 * While it works, the rows that were found before stay.
 */
export function useFiltered<T extends object>(
  rows: readonly T[],
  text: string,
  textOf: (row: T) => string,
): readonly T[] {
  const [found, setFound] = useState(rows);
  const [lowered] = useState(() => new WeakMap<T, string>());
  // `textOf` says the same about the same row.
  useEffect(() => {
    const words = wordsOf(text);
    if (words.length === 0) {
      setFound(rows);
      return;
    }
    const ended = new AbortController();
    const matches = (row: T): boolean => {
      let where = lowered.get(row);
      if (where === undefined) {
        where = textOf(row).toLowerCase();
        lowered.set(row, where);
      }
      return words.every((word) => where.includes(word));
    };
    void filterInSlices(rows, matches, ended.signal).then((all) => {
      if (all === undefined || ended.signal.aborted) return;
      // A list that is made again at each render must not lead to the next one.
      setFound((old) => (isSame(old, all) ? old : all));
    });
    return () => ended.abort();
  }, [rows, text]);
  return wordsOf(text).length === 0 ? rows : found;
}

function isSame<T>(one: readonly T[], other: readonly T[]): boolean {
  return one.length === other.length && one.every((row, at) => row === other[at]);
}
