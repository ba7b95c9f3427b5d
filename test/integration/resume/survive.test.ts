import { afterEach, expect, test } from "vitest";
import { survive } from "../../chaos/survive.ts";
import { World } from "../../chaos/world.ts";
import { LONG } from "../../support/long.ts";

let world: World | undefined;
afterEach(async () => {
  await world?.stop();
  world = undefined;
});

test("a transfer and a terminal outlive half a dozen cuts", () => outlive({ cuts: 6, megabytes: 6 }));
test("a transfer and a terminal outlive two dozen cuts of every kind", LONG, () =>
  outlive({ cuts: 24, megabytes: 24 }),
);

async function outlive({ cuts, megabytes }: { cuts: number; megabytes: number }) {
  world = await World.start();
  const report = await survive(world, {
    megabytes,
    megabytesPerSecond: 4,
    cuts,
    swallow: 5,
    freeze: 20,
    restart: 5,
    seed: 7,
  });
  // Each reset, at least, made new connections necessary.
  expect(report.connections).toBeGreaterThan(report.cuts.reset);
}
