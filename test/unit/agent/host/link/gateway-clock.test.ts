import { expect, test } from "vitest";
import { GatewayClock } from "../../../../../agent/host/link/gateway-clock.ts";
import { createLog } from "../../../../../agent/platform/log.ts";
import { TIME_HEADER } from "../../../../../protocol/clock.ts";

/** A machine whose clock is `ahead` ms ahead, and whose steady clock shows 0. */
function machine(ahead: number) {
  const state = { true: Date.parse("2030-01-01T00:00:00Z"), steady: 0, ahead };
  const lines: string[] = [];
  const log = createLog({ level: "info", write: (line) => lines.push(line), timestamps: false });
  const clock = new GatewayClock(log, { wall: () => state.true + state.ahead, steady: () => state.steady });
  const pass = (ms: number) => {
    state.true += ms;
    state.steady += ms;
  };
  /** A registration at a gateway whose clock is right, half a round trip away. */
  const register = (halfRoundTrip = 0) => {
    const headers = clock.headers();
    pass(halfRoundTrip);
    const said = String(state.true);
    pass(halfRoundTrip);
    clock.answered({ [TIME_HEADER]: said });
    return headers[TIME_HEADER];
  };
  return { state, lines, clock, pass, register };
}

test("the gateway's time is that of its answer and what has passed since, whatever the machine's clock says", () => {
  const { state, clock, pass, register } = machine(-3_600_000);
  expect(clock.now()).toBeUndefined();
  expect(register(4_000)).toBe(String(state.true - 8_000 - 3_600_000));
  expect(clock.now()?.getTime()).toBe(state.true);
  pass(86_400_000);
  state.ahead = 7_200_000;
  expect(clock.now()?.getTime()).toBe(state.true);
});

test("the time of a gateway that does not tell it is unknown, even if an earlier answer told it", () => {
  const { clock, register } = machine(0);
  register();
  for (const said of [
    undefined,
    "",
    "soon",
    "1e12",
    "-1893456000000",
    "18934560000000",
    "1893456000000 ",
    "0x1",
  ]) {
    clock.answered(said === undefined ? {} : { [TIME_HEADER]: said });
    expect(clock.now()).toBeUndefined();
  }
});

test("a difference is reported once, and again when it changes", () => {
  const { state, lines, register } = machine(20_000);
  register();
  expect(lines).toEqual([]);
  state.ahead = 125_000;
  register();
  register();
  expect(lines).toHaveLength(1);
  expect(lines[0]).toContain("2m5s ahead of the gateway's");
  state.ahead = -40_000;
  register();
  expect(lines).toHaveLength(2);
  expect(lines[1]).toContain("40s behind the gateway's");
});
