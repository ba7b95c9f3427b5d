import { expect, test } from "vitest";
import { Load } from "../../../../../gateway/cluster/worker/load.ts";

function loadOf(own: number): { load: Load; pass(ms: number): void } {
  let now = 0;
  const load = new Load(0, () => now);
  load.ready(1);
  load.ownChanged(own);
  return {
    load,
    pass: (ms) => {
      now += ms;
    },
  };
}

test("what comes is kept while others have about as much, and goes to the one with least where they have less", () => {
  const { load } = loadOf(3);
  load.changed(1, 2);
  expect(load.lessBusy()).toBeUndefined();
  load.ownChanged(1);
  expect(load.lessBusy()).toBe(1);
  load.ready(2);
  load.changed(2, 1);
  expect(load.lessBusy()).toBe(2);
});

test("what was given counts at once, so that not everything that comes together goes to the same one", () => {
  const { load, pass } = loadOf(4);
  const given: (number | undefined)[] = [];
  for (let i = 0; i < 6; i++) {
    const to = load.lessBusy();
    given.push(to);
    if (to === undefined) load.ownChanged(1);
    else load.gave(to);
  }
  expect(given).toEqual([1, 1, 1, undefined, 1, undefined]);
  // None of them has become a stream: they were refused there.
  pass(1_000);
  expect(load.lessBusy()).toBe(1);
});

test("what was given and has become a stream counts once", () => {
  const { load } = loadOf(4);
  load.gave(1);
  load.changed(1, 1);
  load.changed(1, 1);
  expect(load.lessBusy()).toBe(1);
  load.changed(1, 1);
  expect(load.lessBusy()).toBeUndefined();
});

test("a worker that is gone gets nothing until it is there again", () => {
  const { load } = loadOf(9);
  load.gone(1);
  expect([load.isUp(1), load.lessBusy()]).toEqual([false, undefined]);
  load.ready(1);
  expect([load.isUp(0), load.isUp(1), load.lessBusy()]).toEqual([true, true, 1]);
});
