import { expect, test } from "vitest";
import { RESET } from "../../../../protocol/resume/frame.ts";
import { WINDOW_MAX } from "../../../../protocol/resume/limits.ts";
import { LONG } from "../../../support/long.ts";
import { barrage } from "./hostile-frames.ts";
import { seeded } from "./mutated-frames.ts";

for (const end of ["responder", "initiator"] as const) {
  for (const [count, options] of [
    [3_000, {}],
    [30_000, LONG],
  ] as const) {
    test(
      `${count} corrupted frames: the ${end} ends each broken stream with a code and keeps nothing of it`,
      options,
      async () => {
        const { codes, streams, largest } = await barrage(end, count, seeded(11));
        expect(codes.get(RESET.protocol)).toBeGreaterThan(streams / 2);
        expect(largest).toBeLessThan(WINDOW_MAX);
      },
    );
  }
}
