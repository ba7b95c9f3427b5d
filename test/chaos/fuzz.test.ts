import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { RESET } from "../../protocol/resume/frame.ts";
import { WINDOW_MAX } from "../../protocol/resume/limits.ts";
import { barrage } from "../unit/protocol/resume/hostile-frames.ts";
import { seeded } from "../unit/protocol/resume/mutated-frames.ts";

const FRAMES = 1_000_000;

setFlagsFromString("--expose-gc");
const collect: () => void = runInNewContext("gc");
/** Without what only waits to be collected. */
function residentBytes(): number {
  collect();
  return process.memoryUsage().rss;
}

for (const end of ["responder", "initiator"] as const) {
  test(`a million corrupted frames against the ${end}`, async () => {
    const before = residentBytes();
    const { codes, streams, largest } = await barrage(end, FRAMES, seeded(Date.now()));
    const grown = Math.round((residentBytes() - before) / 1024 / 1024);
    console.log(JSON.stringify({ end, streams, codes: Object.fromEntries(codes), largest, grownMiB: grown }));
    expect(codes.get(RESET.protocol)).toBeGreaterThan(streams / 2);
    expect(largest).toBeLessThan(WINDOW_MAX);
    expect(grown).toBeLessThan(300);
  });
}
