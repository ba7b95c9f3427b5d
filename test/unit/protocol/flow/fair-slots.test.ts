import { beforeEach, describe, expect, test } from "vitest";
import { type FairLimits, FairSlots, isFair, type Slot } from "../../../../protocol/flow/fair-slots.ts";

let now: number;
let evicted: string[];
beforeEach(() => {
  now = 0;
  evicted = [];
});

function slots(limits: FairLimits) {
  const all = new FairSlots(limits, () => now);
  const enter = (name: string, ...holders: string[]) => all.enter(holders, () => evicted.push(name));
  const entered = (name: string, ...holders: string[]): Slot => {
    const result = enter(name, ...holders);
    if (typeof result === "string") throw new Error(`${name}: ${result}`);
    return result;
  };
  return { all, enter, entered };
}

describe("a bound without eviction", () => {
  test("gives one holder half, and every later one still finds a slot", () => {
    const { all, enter } = slots({ total: 100 });
    while (typeof enter("greedy", "greedy") !== "string");
    expect(all.held("greedy")).toBe(51);
    while (typeof enter("second", "second") !== "string");
    expect(all.held("second")).toBe(25);
    for (let i = 0; i < 10; i++) expect(enter(`late-${i}`, `late-${i}`)).not.toBeTypeOf("string");
    expect(enter("greedy", "greedy")).toBe("holder");
  });

  test("is full for everybody at its end, and gives back what is left", () => {
    const { enter, entered } = slots({ total: 2 });
    const first = entered("a", "a");
    entered("b", "b");
    expect(enter("c", "c")).toBe("full");
    expect(enter("nobody's")).toBe("full");
    first.leave();
    first.leave();
    entered("c", "c");
  });

  test("counts those of other processes", () => {
    const { all } = slots({ total: 10 });
    expect(all.enter(["a"], () => undefined, 9)).not.toBeTypeOf("string");
    expect(all.enter(["a"], () => undefined, 8)).not.toBeTypeOf("string");
    expect(all.enter(["a"], () => undefined, 7)).toBe("holder");
    expect(all.enter(["b"], () => undefined, 8)).toBe("full");
  });

  test("refuses an entry if any of its holders has its share", () => {
    const { enter } = slots({ total: 100, perHolder: 2 });
    enter("1", "account a", "address x");
    enter("2", "account b", "address x");
    expect(enter("3", "account c", "address x")).toBe("holder");
    expect(enter("4", "account a", "address y")).not.toBeTypeOf("string");
    expect(enter("5", "account a", "address z")).toBe("holder");
  });
});

describe("a bound with eviction", () => {
  const limits = { total: 4, perHolder: 3, stalledMs: 100 };

  test("counts an entry against each of its holders, no matter for which of them a slot is freed", () => {
    const { all, enter } = slots({ total: 100, perHolder: 2, stalledMs: 100 });
    for (const name of ["1", "2"]) enter(name, "account a", "address x");
    for (const name of ["3", "4"]) enter(name, "account b", "address y");
    now = 1_000;
    expect(enter("5", "account a", "address y")).not.toBeTypeOf("string");
    expect(evicted).toEqual(["1", "3"]);
    for (const holder of ["account a", "address y"]) expect(all.held(holder)).toBe(2);
    expect(enter("6", "account a", "address y")).not.toBeTypeOf("string");
    // Nobody stands still any more.
    expect(enter("7", "account a", "address y")).toBe("holder");
    for (const holder of ["account a", "address y"]) expect(all.held(holder)).toBe(2);
  });

  test("evicts the entry with the fewest steps, then that of the largest holder, then the longest idle", () => {
    const { enter, entered } = slots(limits);
    entered("further", "a").moved();
    now = 1;
    entered("alone", "b");
    now = 2;
    entered("first of two", "c");
    now = 3;
    entered("second of two", "c");
    now = 50;
    expect(enter("too soon", "d")).toBe("full");
    now = 200;
    entered("d1", "d");
    expect(evicted).toEqual(["first of two"]);
    entered("e1", "e");
    expect(evicted).toEqual(["first of two", "alone"]);
    entered("f1", "f");
    expect(evicted).toEqual(["first of two", "alone", "second of two"]);
    entered("g1", "g");
    expect(evicted.at(-1)).toBe("further");
  });

  test("has a holder make room for itself first, and nobody else", () => {
    const { enter, entered } = slots({ ...limits, total: 5 });
    entered("b1", "b");
    now = 1;
    for (const name of ["a1", "a2", "a3"]) entered(name, "a");
    expect(enter("a4", "a")).toBe("holder");
    now = 200;
    entered("a4", "a");
    expect(evicted).toEqual(["a1"]);
  });

  test("ends what is evicted once it counts no more, and its own end later changes nothing", () => {
    const all = new FairSlots({ total: 1, stalledMs: 0 }, () => now);
    let sizeThen = -1;
    const first = all.enter(["a"], () => {
      sizeThen = all.size;
    });
    now = 1;
    all.enter(["b"], () => undefined);
    expect(sizeThen).toBe(0);
    if (typeof first !== "string") first.leave();
    expect(all.size).toBe(1);
    expect(all.held("b")).toBe(1);
  });
});

test.each([
  [0, 1, true],
  [0, 0, false],
  [3, 3, true],
  [4, 3, false],
])("who holds %i may have one more while %i are free: %s", (held, free, may) => {
  expect(isFair(held, free)).toBe(may);
});
