import { expect, test } from "vitest";
import { RESET } from "../../../../protocol/resume/frame.ts";
import { WINDOW_MAX } from "../../../../protocol/resume/limits.ts";
import { barrage } from "./hostile-frames.ts";
import { seeded } from "./mutated-frames.ts";

for (const end of ["responder", "initiator"] as const) {
  test(`30,000 bent frames: the ${end} ends each broken stream with a code and keeps nothing of it`, async () => {
    const { codes, streams, largest } = await barrage(end, 30_000, seeded(11));
    expect(codes.get(RESET.protocol)).toBeGreaterThan(streams / 2);
    expect(largest).toBeLessThan(WINDOW_MAX);
  }, 60_000);
}
