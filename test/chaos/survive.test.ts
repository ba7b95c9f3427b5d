import { afterEach, expect, test } from "vitest";
import { survive } from "./survive.ts";
import { World } from "./world.ts";

const cuts = Number(process.env.SALLYPORT_CHAOS_CUTS ?? 1000);
const megabytes = Number(process.env.SALLYPORT_CHAOS_MEGABYTES ?? 1024);

let world: World | undefined;
afterEach(async () => {
  await world?.stop();
});

test(`${megabytes} MiB there and back, and a terminal, outlive ${cuts} cuts`, async () => {
  world = await World.start();
  const report = await survive(world, {
    megabytes,
    cuts,
    // About half a second a cut: the two transfers together last about as long.
    megabytesPerSecond: Math.max(1, (2 * megabytes) / (cuts * 0.5)),
    swallow: 3,
    freeze: 20,
    restart: 3,
    seed: Number(process.env.SALLYPORT_CHAOS_SEED ?? 1),
    say: (line) => console.log(line),
  });
  console.log(JSON.stringify(report));
  for (const [early, late] of Object.values(report.memory)) expect(late).toBeLessThan(early * 1.5 + 32);
});
