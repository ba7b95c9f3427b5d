// Which rows of a long list are in the page, where they stand, and how they are filtered in slices.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { filterInSlices, wordsOf } from "../../../../web/parts/long-list/filter.ts";
import { RowHeights, segments } from "../../../../web/parts/long-list/row-heights.ts";

function list(count: number): RowHeights {
  const heights = new RowHeights();
  heights.setKeys(Array.from({ length: count }, (_, at) => `row ${at}`));
  return heights;
}

describe("the heights of rows", () => {
  test("are those of the first measured row until they are measured themselves", () => {
    const heights = list(5_000);
    expect(heights.measured("row 0", 40)).toBe(false);
    expect(heights.total()).toBe(200_000);
    expect(heights.measured("row 3", 100)).toBe(true);
    expect(heights.measured("row 3", 100.2)).toBe(false);
    expect(heights.total()).toBe(200_060);
    expect([heights.top(3), heights.top(4)]).toEqual([120, 220]);
  });

  test("stay with their row when others come or go", () => {
    const heights = list(3);
    for (const [key, height] of [
      ["row 0", 10],
      ["row 1", 20],
      ["row 2", 30],
    ] as const)
      heights.measured(key, height);
    heights.setKeys(["new", "row 2", "row 0"]);
    expect([heights.top(1), heights.top(2), heights.total()]).toEqual([10, 40, 50]);
  });

  test("are forgotten when the width changes", () => {
    const heights = list(2);
    heights.measured("row 0", 10);
    heights.measured("row 1", 20);
    heights.clear();
    heights.measured("row 0", 50);
    expect(heights.total()).toBe(100);
  });
});

describe("the rows in the page", () => {
  test("cover the part that is seen, whatever the heights are", () => {
    fc.assert(
      fc.property(
        fc.array(
          // Differences of a pixel are rounding.
          fc.integer({ min: 1, max: 200 }).map((half) => half * 2),
          { minLength: 1, maxLength: 300 },
        ),
        fc.integer({ min: -500, max: 60_000 }),
        fc.integer({ min: 1, max: 1_500 }),
        fc.option(fc.nat(299), { nil: undefined }),
        (rows, from, size, kept) => {
          const heights = list(rows.length);
          for (const [at, height] of rows.entries()) heights.measured(`row ${at}`, height);
          const range = heights.between(from, from + size, 200);
          const all = segments(heights, rows.length, range, kept);
          // Nothing is lost and nothing moves: rows and spaces together are the list.
          const sum = all.reduce((top, one) => {
            if (one.kind === "space") return top + one.height;
            expect(heights.top(one.index)).toBe(top);
            return top + (rows[one.index] ?? 0);
          }, 0);
          expect(sum).toBe(rows.reduce((one, other) => one + other, 0));
          const shown = new Set(all.flatMap((one) => (one.kind === "row" ? [one.index] : [])));
          for (const [at, height] of rows.entries()) {
            const top = heights.top(at);
            if (top < from + size && top + height > from) expect(shown.has(at)).toBe(true);
          }
          for (const near of kept === undefined ? [] : [kept - 1, kept, kept + 1]) {
            if (near >= 0 && near < rows.length && (kept ?? 0) < rows.length)
              expect(shown.has(near)).toBe(true);
          }
          expect(shown.size).toBeLessThanOrEqual(size + 400 + 5);
        },
      ),
    );
  });

  test("are few, however long the list is", () => {
    const heights = list(5_000);
    heights.measured("row 0", 50);
    const { first, end } = heights.between(100_000, 100_800, 500);
    expect(first).toBe(1_990);
    expect(end - first).toBeLessThan(40);
  });
});

describe("a filter", () => {
  const rows = Array.from({ length: 5_000 }, (_, at) => at);

  test("gives others a turn after each slice, and keeps the order", async () => {
    let time = 0;
    let pauses = 0;
    const found = await filterInSlices(
      rows,
      (row) => {
        time += 0.01;
        return row % 1_000 === 0;
      },
      new AbortController().signal,
      {
        now: () => time,
        pause: async () => {
          pauses++;
        },
      },
    );
    expect(found).toEqual([0, 1_000, 2_000, 3_000, 4_000]);
    expect(pauses).toBeGreaterThanOrEqual(5);
  });

  test("ends when somebody types on", async () => {
    const abort = new AbortController();
    let time = 0;
    let looked = 0;
    const found = await filterInSlices(rows, () => looked++ >= 0, abort.signal, {
      now: () => (time += 10),
      pause: async () => abort.abort(),
    });
    expect([found, looked]).toEqual([undefined, 200]);
  });

  test("looks for words in any order", () => {
    expect(wordsOf("  Box\tANA ")).toEqual(["box", "ana"]);
    expect(wordsOf(" ")).toEqual([]);
  });
});

test("half a pixel more or less is the same height, so that a list is not laid out without end", () => {
  const heights = new RowHeights();
  heights.setKeys(["a", "b"]);
  heights.measured("a", 58);
  expect(heights.measured("b", 67)).toBe(true);
  expect(heights.measured("b", 66.5)).toBe(false);
  expect(heights.measured("b", 67)).toBe(false);
  expect(heights.measured("b", 70)).toBe(true);
});
