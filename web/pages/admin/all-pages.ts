// Loads a list that the gateway gives in pages: shows the first rows at once and the others as they come.

import { useEffect, useState } from "preact/hooks";
import { useLoad } from "../../load.ts";

/** Beyond so many rows the page stops, and its filter asks the gateway. */
const MOST_ROWS = 20_000;

export interface Part<T> {
  readonly rows: readonly T[];
  readonly next: string | null;
  readonly total: number;
}

export interface AllPages<T> {
  /** undefined: nothing is there yet. */
  readonly rows: readonly T[] | undefined;
  /** How many there are, loaded or not. */
  readonly total: number;
  /** There are more than this page loads. */
  readonly cut: boolean;
  readonly loading: boolean;
  readonly error: Error | undefined;
  reload(): void;
}

/** @param load loads what comes after a position; undefined: the beginning */
export function useAllPages<T>(
  load: (after: string | undefined, signal: AbortSignal) => Promise<Part<T>>,
  deps: readonly unknown[],
): AllPages<T> {
  const [coming, setComing] = useState<Part<T>>();
  const whole = useLoad(async (signal) => {
    let all: Part<T> = { rows: [], next: null, total: 0 };
    for (let after: string | undefined; ; after = all.next ?? undefined) {
      const part = await load(after, signal);
      all = { ...part, rows: [...all.rows, ...part.rows] };
      if (all.next === null || all.rows.length >= MOST_ROWS) return all;
      setComing(all);
    }
  }, deps);
  useEffect(() => {
    if (!whole.loading) setComing(undefined);
  }, [whole.loading]);
  // While it is loaded again, the rows that were there stay.
  const shown = whole.data ?? coming;
  return {
    rows: shown?.rows,
    total: shown?.total ?? 0,
    cut: whole.data !== undefined && whole.data.next !== null,
    loading: whole.loading,
    error: whole.error,
    reload: whole.reload,
  };
}

/** The query of a request: parameters without a value are left out. */
export function queryOf(values: Readonly<Record<string, string | undefined>>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(values))
    if (value !== undefined && value !== "") query.set(name, value);
  const text = query.toString();
  return text === "" ? "" : `?${text}`;
}
