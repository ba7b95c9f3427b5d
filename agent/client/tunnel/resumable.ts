// A tunnel that outlives its connections: where gateway and host speak the resume subprotocol, the companion dials again and
// continues, and ssh does not notice.

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

/** @param first an open WebSocket with the resume subprotocol, paused */
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
    isFinal: (error) =>
      error instanceof CommandError &&
      (error.code === "sign_in_ended" || (isErrorCode(error.code) && isFinal(error.code))),
    onState,
    signal,
  });
  const stopWatching = watchMachine(() => initiator.wake());
  initiator.stream.once("close", stopWatching);
  return initiator;
}

/** The error to show for a lost stream. */
export function lostError(error: Error): CommandError {
  if (!(error instanceof StreamLostError)) {
    return new CommandError("tunnel", "EFAILED", error.message, { cause: error });
  }
  // A refusal by the gateway has its own code and message.
  if (error.cause instanceof CommandError && error.code === "refused") return error.cause;
  return new CommandError(error.code === "refused" ? "sign-in" : "tunnel", error.code, error.message, {
    cause: error,
  });
}

/**
 * Calls `changed` when the machine wakes up or its network changes: then the connection is probably dead without a sign of it.
 * Checks once a second, because without a native part a program gets no event for either.
 */
function watchMachine(changed: () => void): () => void {
  let [at, addresses] = [Date.now(), addressList()];
  const timer = setInterval(() => {
    const [now, current] = [Date.now(), addressList()];
    // The wall clock goes on during sleep; the monotonic clock may not.
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
