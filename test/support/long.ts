// Tests that `npm test` leaves out and CI runs (`npm run test:all`): long waits, large volumes, other people's programs, and all
// but one of many cases that are alike.

/** Options of such a test or `describe`. */
export const LONG = { tags: ["long"] };

/** The same, where only some of the cases are: `test(name, longIf(format !== first), …)`. */
export function longIf(condition: boolean): { tags?: string[] } {
  return condition ? LONG : {};
}

/** For `test.each(some)(name, options, …)`: the first `count` cases, then the others, which only the long form has. */
export function shortAndLong<T>(cases: readonly T[], count: number): [T[], { tags?: string[] }][] {
  return [
    [cases.slice(0, count), {}],
    [cases.slice(count), LONG],
  ];
}
