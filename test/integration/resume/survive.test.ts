import { afterEach, expect, test } from "vitest";
import { survive } from "../../chaos/survive.ts";
import { World } from "../../chaos/world.ts";

let world: World | undefined;
afterEach(async () => {
  await world?.stop();
  world = undefined;
});

test("a transfer and a terminal outlive two dozen cuts of every kind", async () => {
  world = await World.start();
  const report = await survive(world, {
    megabytes: 24,
    megabytesPerSecond: 4,
    cuts: 24,
    swallow: 5,
    freeze: 20,
    restart: 5,
    seed: 7,
  });
  // Each reset, at least, made new connections necessary.
  expect(report.connections).toBeGreaterThan(report.cuts.reset);
}, 120_000);
