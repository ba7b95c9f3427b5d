// Where the rows of a long list stand, without the rows themselves: heights that were measured, one estimate for the others,
// and from both the rows that a part of the list shows and the space that the rest takes.

/** A row of the list by its place, or the space of rows that are left out, in px. */
export type Segment =
  | { readonly kind: "row"; readonly index: number }
  | { readonly kind: "space"; readonly height: number };

/** Places from `first` to before `end`. */
export interface Range {
  readonly first: number;
  readonly end: number;
}

/** The height of a row before any was measured. */
const FIRST_ESTIMATE = 56;
/** Browsers round the same row up or down by where it stands. */
const ROUNDING = 1.5;

export class RowHeights {
  readonly #measured = new Map<string, number>();
  #estimate: number | undefined;
  #keys: readonly string[] = [];
  /** The top of each row, and at the end the height of the whole list. */
  #tops = new Float64Array(1);
  #stale = false;

  setKeys(keys: readonly string[]): void {
    this.#keys = keys;
    this.#stale = true;
  }

  /** Whether it differs from what was known. */
  measured(key: string, height: number): boolean {
    // The first rows decide for all that follow: an estimate that moves would move the list under the reader.
    this.#estimate ??= height;
    if (Math.abs((this.#measured.get(key) ?? this.#estimate) - height) < ROUNDING) return false;
    this.#measured.set(key, height);
    this.#stale = true;
    return true;
  }

  /** Forgets everything measured: the width has changed. */
  clear(): void {
    this.#measured.clear();
    this.#estimate = undefined;
    this.#stale = true;
  }

  top(index: number): number {
    if (this.#stale) this.#layOut();
    return this.#tops[Math.max(0, Math.min(index, this.#keys.length))] ?? 0;
  }

  total(): number {
    return this.top(this.#keys.length);
  }

  /** The rows that touch the part between two heights, in px from the top of the list, with `overscan` px on both sides. */
  between(from: number, to: number, overscan: number): Range {
    const first = this.#at(from - overscan);
    const last = this.#at(to + overscan);
    return { first, end: Math.min(last + 1, this.#keys.length) };
  }

  #at(height: number): number {
    let low = 0;
    let high = Math.max(0, this.#keys.length - 1);
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.top(middle) <= height) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  #layOut(): void {
    this.#stale = false;
    const estimate = this.#estimate ?? FIRST_ESTIMATE;
    this.#tops = new Float64Array(this.#keys.length + 1);
    let top = 0;
    for (const [index, key] of this.#keys.entries()) {
      this.#tops[index] = top;
      top += this.#measured.get(key) ?? estimate;
    }
    this.#tops[this.#keys.length] = top;
  }
}

/**
 * The rows of the range and the spaces around them, top down. `kept` is a row that has the focus: it stays with its neighbours,
 * which the Tab key goes to, although it may be outside.
 */
export function segments(heights: RowHeights, count: number, range: Range, kept?: number): Segment[] {
  const rows = new Set(numbers(range.first, Math.min(range.end, count)));
  if (kept !== undefined)
    for (const at of numbers(Math.max(0, kept - 1), Math.min(kept + 2, count))) rows.add(at);
  const all: Segment[] = [];
  let next = 0;
  const space = (to: number): void => {
    if (to > next) all.push({ kind: "space", height: heights.top(to) - heights.top(next) });
  };
  for (const index of [...rows].toSorted((one, other) => one - other)) {
    space(index);
    all.push({ kind: "row", index });
    next = index + 1;
  }
  space(count);
  return all;
}

function numbers(first: number, end: number): number[] {
  return Array.from({ length: Math.max(0, end - first) }, (_, at) => first + at);
}
