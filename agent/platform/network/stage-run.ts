// Runs one stage of a connection under its deadline. A failure becomes an error that names the stage.

import { CommandError, type Stage } from "../command-error.ts";
import { errorCode } from "../error-code.ts";

/** In ms. A connection attempt takes at most their sum; `proxy` counts only where there is one. */
export const DEADLINE = { dns: 5_000, tcp: 8_000, proxy: 10_000, tls: 8_000, http: 15_000 } as const;

/** Begins a stage's work, and returns what undoes it. */
type Start<T> = (done: (value: T) => void, fail: (error: Error) => void) => () => void;

/**
 * `runStage` with the stage, its deadline and its signal filled in. Code that is loaded lazily is handed one instead of
 * importing `runStage`, so that the bundler keeps this file together with open-socket.ts: a companion opens few files.
 */
export type StageRunner = <T>(what: string, start: Start<T>) => Promise<T>;

/** Settles once: by the result, an error, the deadline or `signal`. Unless it succeeds, the work is undone. */
export function runStage<T>(
  stage: Stage,
  ms: number,
  what: string,
  signal: AbortSignal,
  start: Start<T>,
): Promise<T> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(signal.reason);
      return;
    }
    const settle = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
    };
    const fail = (error: Error): void => {
      settle();
      cancel();
      reject(error instanceof CommandError ? error : stageError(stage, what, error));
    };
    const onAbort = (): void => {
      settle();
      cancel();
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      const error: NodeJS.ErrnoException = new Error(`no answer within ${ms / 1000} s`);
      error.code = "ETIMEDOUT";
      fail(error);
    }, ms);
    signal.addEventListener("abort", onAbort, { once: true });
    const cancel = start((value) => {
      settle();
      resolve(value);
    }, fail);
  });
}

const UNKNOWN_AUTHORITY =
  "its certificate comes from an unknown authority: a proxy may be intercepting TLS; if you know the authority, add it with --ca FILE or SALLYPORT_CA";

const advice: Readonly<Record<string, string>> = {
  ENOTFOUND: "the name does not exist: check its spelling and your network",
  EAI_AGAIN: "the name server does not answer: check your network",
  ECONNREFUSED: "nothing listens there: is the gateway running, and is the port right?",
  ECONNRESET: "the connection was cut: a firewall or proxy may be in the way",
  EHOSTUNREACH: "there is no route to it: check your network or VPN",
  ENETUNREACH: "there is no network: check your connection or VPN",
  ETIMEDOUT: "no answer: a firewall may drop the traffic",
  CERT_HAS_EXPIRED: "its certificate has expired: tell the gateway's administrator",
  ERR_TLS_CERT_ALTNAME_INVALID:
    "its certificate is for a different name: check the gateway's URL, and whether the network wants you to sign in first",
  DEPTH_ZERO_SELF_SIGNED_CERT:
    "its certificate is self-signed: add it with --ca FILE or SALLYPORT_CA, or use one from a known authority",
  SELF_SIGNED_CERT_IN_CHAIN: UNKNOWN_AUTHORITY,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNKNOWN_AUTHORITY,
  UNABLE_TO_GET_ISSUER_CERT: UNKNOWN_AUTHORITY,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNKNOWN_AUTHORITY,
  EPROTO: "it does not speak TLS there: is the URL https where it should be http, or the port wrong?",
};

const HANDSHAKE_REFUSED =
  "it refuses the TLS handshake: a gateway that gets its certificate by itself (--acme) does so until it has one, and its log says when";

function stageError(stage: Stage, what: string, cause: Error): CommandError {
  const first = cause instanceof AggregateError ? (cause.errors[0] ?? cause) : cause;
  const code = errorCode(first) ?? errorCode(cause) ?? "EFAILED";
  const hint =
    (/alert handshake failure/i.test(first.message) ? HANDSHAKE_REFUSED : undefined) ??
    advice[code] ??
    (code.startsWith("ERR_SSL") ? advice.EPROTO : undefined);
  return new CommandError(stage, code, `${what} failed: ${hint ?? cause.message} (${code})`, { cause });
}
