import fc from "fast-check";
import { expect, test } from "vitest";
import {
  CONNECT_STEPS,
  type ConnectEvent,
  type ConnectState,
  type ConnectSteps,
  connectFlow,
  FIRST,
  nextState,
} from "../../../../../agent/client/connect/connect-flow.ts";

const steps = (over: Partial<ConnectSteps<string, string, string>> = {}) => ({
  keys: async () => "key",
  transport: async () => "direct",
  config: async () => "alias",
  handOff: async () => true,
  ...over,
});

async function run(given: ConnectSteps<string, string, string>, signal = new AbortController().signal) {
  const states: ConnectState[] = [];
  const end = await connectFlow(given, { signal, onState: (state) => states.push(state) });
  return { end, told: states.map((state) => ("step" in state ? `${state.kind} ${state.step}` : state.kind)) };
}

test("the flow runs keys, transport, config and hand-off, and reports each step as it begins", async () => {
  const seen: unknown[] = [];
  const { end, told } = await run(
    steps({
      config: async (keys, transport) => {
        seen.push(keys, transport);
        return "alias";
      },
      handOff: async (config) => seen.push(config) > 0,
    }),
  );
  expect(end).toEqual({ kind: "done" });
  expect(told).toEqual(["running keys", "running transport", "running config", "running hand-off", "done"]);
  expect(seen).toEqual(["key", "direct", "alias"]);
});

test("a no at any step ends the flow without a message, and no later step runs", async () => {
  let handedOff = false;
  const handOff = async () => {
    handedOff = true;
    return true;
  };
  const { end } = await run(steps({ config: async () => undefined, handOff }));
  expect(end).toEqual({ kind: "cancelled", step: "config" });
  expect(handedOff).toBe(false);
});

test("what a step throws ends the flow with the step's name", async () => {
  const error = new Error("no network");
  const { end } = await run(steps({ transport: () => Promise.reject(error) }));
  expect(end).toEqual({ kind: "failed", step: "transport", error });
});

test("cancelling while a step runs stops before the next one, whatever the step answers", async () => {
  const abort = new AbortController();
  const { end, told } = await run(
    steps({
      transport: async () => {
        abort.abort();
        return "direct";
      },
    }),
    abort.signal,
  );
  expect(end).toEqual({ kind: "cancelled", step: "transport" });
  expect(told).not.toContain("running config");
});

test("what the cancelling makes a step throw is not shown as a failure", async () => {
  const abort = new AbortController();
  const { end } = await run(
    steps({
      keys: async () => {
        abort.abort();
        throw new Error("aborted");
      },
    }),
    abort.signal,
  );
  expect(end.kind).toBe("cancelled");
});

test("whatever happens, a flow that has ended stays ended, and steps never go back", () => {
  const event = fc.constantFrom<ConnectEvent>(
    { kind: "stepped" },
    { kind: "declined" },
    { kind: "aborted" },
    { kind: "threw", error: "why" },
  );
  fc.assert(
    fc.property(fc.array(event, { maxLength: 12 }), (events) => {
      let state: ConnectState = FIRST;
      let furthest = 0;
      for (const one of events) {
        const next = nextState(state, one);
        if (state.kind !== "running") expect(next).toBe(state);
        if (next.kind === "running") {
          const index = CONNECT_STEPS.indexOf(next.step);
          expect(index).toBe(furthest + 1);
          furthest = index;
        }
        state = next;
      }
    }),
  );
});
