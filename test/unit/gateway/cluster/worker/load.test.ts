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

test("a worker keeps a tunnel while others have about as many streams, and gives it to the one with the fewest otherwise", () => {
  const { load } = loadOf(3);
  load.changed(1, 2);
  expect(load.lessBusy()).toBeUndefined();
  load.ownChanged(1);
  expect(load.lessBusy()).toBe(1);
  load.ready(2);
  load.changed(2, 1);
  expect(load.lessBusy()).toBe(2);
});

test("a tunnel that was given away counts at once, so that tunnels that arrive together do not all go to one worker", () => {
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

test("a tunnel that was given away and has become a stream counts once", () => {
  const { load } = loadOf(4);
  load.gave(1);
  load.changed(1, 1);
  load.changed(1, 1);
  expect(load.lessBusy()).toBe(1);
  load.changed(1, 1);
  expect(load.lessBusy()).toBeUndefined();
});

test("a worker that has ended gets nothing until it is ready again", () => {
  const { load } = loadOf(9);
  load.gone(1);
  expect([load.isUp(1), load.lessBusy()]).toEqual([false, undefined]);
  load.ready(1);
  expect([load.isUp(0), load.isUp(1), load.lessBusy()]).toEqual([true, true, 1]);
});
