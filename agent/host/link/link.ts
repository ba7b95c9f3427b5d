// Holds the host's link to its gateway for as long as the host runs: dials a control connection, and dials the next one
// when it is lost. control-connection.ts is one of them, from registration to its end.

import { setTimeout as delay } from "node:timers/promises";
import { type ErrorCode, isErrorCode, isFinal } from "../../../protocol/errors.ts";
import { backoff } from "../../../protocol/flow/backoff.ts";
import { CommandError } from "../../platform/command-error.ts";
import { type LinkOptions, runControlConnection } from "./control-connection.ts";

/** After a refusal that only a person can resolve. */
const REFUSED_RETRY_MS = 60_000;
/** While the workspace's owner has not decided about this host's changed key, or the workspace is frozen. */
const HELD_RETRY_MS = 10_000;

/**
 * Holds the link until `signal` is aborted; then returns.
 * @throws CommandError when the first registration is refused with a final error, when another host has taken over this
 *   identity (`fenced`), or when the workspace was deleted (`workspace_unknown`)
 */
export async function holdLink(options: LinkOptions, signal: AbortSignal): Promise<void> {
  const { log } = options;
  let everRegistered = false;
  let failures = 0;
  let lastWhy = "";
  while (!signal.aborted) {
    const onRegistered = (): void => {
      everRegistered = true;
      failures = 0;
    };
    const reason = await runControlConnection(options, signal, onRegistered).catch(
      (error: unknown): unknown => error,
    );
    if (signal.aborted) return;
    const code = codeOf(reason);
    const isRefused = code !== undefined && isFinal(code);
    if (code === "fenced" || (everRegistered && code === "workspace_unknown")) throw reason;
    if (isRefused && !everRegistered) throw reason;
    failures++;
    const why = reason instanceof Error ? reason.message : String(reason);
    options.onDown?.(why);
    let waitMs = isRefused ? REFUSED_RETRY_MS : backoff(failures, Math.random());
    if (code === "host_key_held" || code === "frozen") {
      waitMs = HELD_RETRY_MS;
      // Logged once: each further answer says the same until somebody decides.
      if (why !== lastWhy) log.warn(`not registered at ${options.gateway}: ${why}`);
    } else {
      const seconds = (waitMs / 1000).toFixed(1);
      log.warn(`the link to ${options.gateway} is down (${why}); trying again in ${seconds} s`);
    }
    lastWhy = why;
    // It rejects only when the signal is aborted, which the loop sees.
    await delay(waitMs, undefined, { signal }).catch(() => undefined);
  }
}

function codeOf(reason: unknown): ErrorCode | undefined {
  return reason instanceof CommandError && isErrorCode(reason.code) ? reason.code : undefined;
}
