// A tunnel that outlives its connections: where gateway and workspace speak the resume subprotocol, the companion dials again
// and goes on, and ssh does not notice.

import { networkInterfaces } from "node:os";
import type { WebSocket } from "ws";
import { isErrorCode, isFinal } from "../../../protocol/errors.ts";
import { type Initiator, initiate, type StreamState } from "../../../protocol/resume/initiator.ts";
import { JUMP_MS, PROCESS_BYTES, TICK_MS, WINDOW_MAX } from "../../../protocol/resume/limits.ts";
import { ByteBudget } from "../../../protocol/resume/outgoing.ts";
import { StreamLostError } from "../../../protocol/resume/stream-lost.ts";
import { SUBPROTOCOL } from "../../../protocol/values/gateway-url.ts";
import { CommandError } from "../../platform/command-error.ts";
import { dialTunnel, type TunnelTarget } from "./tunnel.ts";

const budget = new ByteBudget(PROCESS_BYTES);

/** Goes on from a WebSocket that speaks the resume subprotocol, paused. */
export function resumable(
  first: WebSocket,
  target: TunnelTarget,
  onState: (state: StreamState, why: string) => void,
  signal: AbortSignal,
): Initiator {
  const initiator = initiate(first, {
    window: WINDOW_MAX,
    budget,
    dial: (stopped) => dialTunnel(target, [SUBPROTOCOL.resume], stopped),
    isFinal: (error) => error instanceof CommandError && isErrorCode(error.code) && isFinal(error.code),
    onState,
    signal,
  });
  const stopWatching = watchMachine(() => initiator.wake());
  initiator.stream.once("close", stopWatching);
  return initiator;
}

/** What a lost stream means to a person. */
export function lostError(error: Error): CommandError {
  if (!(error instanceof StreamLostError)) {
    return new CommandError("tunnel", "EFAILED", error.message, { cause: error });
  }
  // What the gateway refuses has its own code and words.
  if (error.cause instanceof CommandError && error.code === "refused") return error.cause;
  return new CommandError(error.code === "refused" ? "sign-in" : "tunnel", error.code, error.message, {
    cause: error,
  });
}

/**
 * Tells of a machine that woke up or whose network is another one: the connection is probably dead, and nobody says so.
 * Looks once a second, since no system tells a program without a native part.
 */
function watchMachine(changed: () => void): () => void {
  let [at, addresses] = [Date.now(), addressList()];
  const timer = setInterval(() => {
    const [now, current] = [Date.now(), addressList()];
    // The wall clock goes on in a sleep; the other one may not.
    if (Math.abs(now - at - TICK_MS) > JUMP_MS || current !== addresses) changed();
    [at, addresses] = [now, current];
  }, TICK_MS);
  timer.unref();
  return () => clearInterval(timer);
}

function addressList(): string {
  return Object.entries(networkInterfaces())
    .flatMap(([name, list]) => (list ?? []).map(({ address, cidr }) => `${name} ${cidr ?? address}`))
    .sort()
    .join("\n");
}
