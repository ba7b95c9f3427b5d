// Frames as a broken or hostile peer sends them: those of a healthy stream, corrupted.

import { encodeFrame, FRAME } from "../../../../protocol/resume/frame.ts";

export type Random = () => number;

/** A small generator with a seed (mulberry32), so that a failure can be told again. */
export function seeded(seed: number): Random {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** @param healthy how likely, of 1, the frame is one that the stream goes on with */
export function nextFrame(random: Random, offset: number, healthy: number): { frame: Buffer; bytes: number } {
  const whole = (below: number): number => Math.floor(random() * below);
  if (random() < healthy) {
    const bytes = 1 + whole(2000);
    return { frame: encodeFrame(FRAME.data, 0, offset, Buffer.alloc(bytes, 97)), bytes };
  }
  const types = Object.values(FRAME);
  const type = types[whole(types.length)] ?? FRAME.data;
  const near = Math.max(0, offset + whole(5) - 2);
  const far = [0, near, whole(2 ** 31), 2 ** 48 - 1][whole(4)] ?? 0;
  const frame = encodeFrame(
    type,
    [0, whole(10), far][whole(3)] ?? 0,
    far,
    Buffer.alloc(whole(40), whole(256)),
  );
  switch (whole(4)) {
    case 0:
      frame[whole(frame.length)] = whole(256);
      break;
    case 1:
      return { frame: frame.subarray(0, whole(frame.length + 1)), bytes: 0 };
    case 2:
      return { frame: Buffer.concat([frame, Buffer.alloc(whole(70_000))]), bytes: 0 };
    default:
      break;
  }
  return { frame, bytes: 0 };
}
