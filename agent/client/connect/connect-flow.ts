// The connect flow, from a click to Remote-SSH, as a state machine: keys, transport, config, hand-off, in this order.
// Each step may end the flow. The steps themselves are arguments; this file decides what comes next and what is
// reported. Pure except for the steps.

export const CONNECT_STEPS = ["keys", "transport", "config", "hand-off"] as const;
export type ConnectStep = (typeof CONNECT_STEPS)[number];

export type ConnectState =
  | { readonly kind: "running"; readonly step: ConnectStep }
  | { readonly kind: "done" }
  /** The person said no or cancelled: nothing is shown. */
  | { readonly kind: "cancelled"; readonly step: ConnectStep }
  | { readonly kind: "failed"; readonly step: ConnectStep; readonly error: unknown };

export type ConnectEvent =
  | { readonly kind: "stepped" }
  | { readonly kind: "declined" }
  | { readonly kind: "threw"; readonly error: unknown }
  | { readonly kind: "aborted" };

export const FIRST: ConnectState = { kind: "running", step: "keys" };

/** Returns the state after an event. A flow that has ended stays in its last state. */
export function nextState(
  state: ConnectState,
  event: ConnectEvent,
  last: ConnectStep = "hand-off",
): ConnectState {
  if (state.kind !== "running") return state;
  const { step } = state;
  switch (event.kind) {
    case "declined":
    case "aborted":
      return { kind: "cancelled", step };
    case "threw":
      return { kind: "failed", step, error: event.error };
    case "stepped": {
      const next = CONNECT_STEPS[CONNECT_STEPS.indexOf(step) + 1];
      return step === last || next === undefined ? { kind: "done" } : { kind: "running", step: next };
    }
  }
}

/** The steps. Each returns its answer, or `undefined` when the person said no. */
export interface ConnectSteps<Keys, Transport, Config> {
  keys(signal: AbortSignal): Promise<Keys | undefined>;
  transport(keys: Keys, signal: AbortSignal): Promise<Transport | undefined>;
  config(keys: Keys, transport: Transport, signal: AbortSignal): Promise<Config | undefined>;
  handOff(config: Config, signal: AbortSignal): Promise<boolean>;
}

interface ConnectRun {
  readonly signal: AbortSignal;
  /** Called with each state, as it begins. */
  readonly onState: (state: ConnectState) => void;
}

/** Runs all steps, and stops between two of them when `signal` aborts. Never throws: what a step throws is in the state.
 * A step that throws after the abort counts as cancelled.
 */
export async function connectFlow<Keys, Transport, Config>(
  steps: ConnectSteps<Keys, Transport, Config>,
  { signal, onState }: ConnectRun,
): Promise<ConnectState> {
  let state: ConnectState = FIRST;
  onState(state);
  /** Runs the state's step; undefined once the flow has ended. */
  const take = async <T>(work: () => Promise<T | undefined>): Promise<T | undefined> => {
    if (state.kind !== "running") return undefined;
    const { event, value } = await outcome(work, signal);
    state = nextState(state, event);
    onState(state);
    return value;
  };
  const keys = await take(() => steps.keys(signal));
  if (keys === undefined) return state;
  const transport = await take(() => steps.transport(keys, signal));
  if (transport === undefined) return state;
  const config = await take(() => steps.config(keys, transport, signal));
  if (config === undefined) return state;
  await take(async () => ((await steps.handOff(config, signal)) ? true : undefined));
  return state;
}

async function outcome<T>(
  work: () => Promise<T | undefined>,
  signal: AbortSignal,
): Promise<{ event: ConnectEvent; value: T | undefined }> {
  try {
    if (signal.aborted) return { event: { kind: "aborted" }, value: undefined };
    const value = await work();
    if (signal.aborted) return { event: { kind: "aborted" }, value: undefined };
    return { event: { kind: value === undefined ? "declined" : "stepped" }, value };
  } catch (error) {
    return { event: signal.aborted ? { kind: "aborted" } : { kind: "threw", error }, value: undefined };
  }
}
