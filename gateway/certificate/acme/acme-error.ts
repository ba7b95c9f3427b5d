// Why no certificate was issued: a stable code, and a sentence for the person who runs the gateway. The log,
// the audit log and the metrics show the code.

import { reasonOf } from "../../program/start-error.ts";

export type AcmeErrorCode =
  /** The authority's server cannot be reached. */
  | "acme_unreachable"
  /** Its certificate is not trusted. */
  | "acme_untrusted"
  /** It asks to come back later. */
  | "acme_rate_limited"
  /** It could not verify that a name leads to this gateway. */
  | "acme_challenge_failed"
  /** It offers no challenge that this gateway can answer. */
  | "acme_no_challenge"
  /** It does not accept the account. */
  | "acme_account"
  /** It refused the order for another reason. */
  | "acme_refused"
  /** It did not decide in time. */
  | "acme_timeout"
  /** It answered something that is not ACME. */
  | "acme_malformed"
  /** Files in the data directory cannot be read or written. */
  | "file"
  /** What was issued is not valid now: this machine's clock is wrong. */
  | "clock"
  /** A fault of the gateway itself. */
  | "internal";

export class AcmeError extends Error {
  readonly code: AcmeErrorCode;
  /** The authority wants no further try before; milliseconds since 1970. */
  readonly notBefore: number | undefined;

  constructor(
    code: AcmeErrorCode,
    message: string,
    { notBefore, cause }: { readonly notBefore?: number | undefined; readonly cause?: unknown } = {},
  ) {
    super(message, cause === undefined ? {} : { cause });
    this.name = "AcmeError";
    this.code = code;
    this.notBefore = notBefore;
  }
}

/** Files of the data directory that cannot be used. */
export function fileError(path: string, error: unknown): AcmeError {
  return new AcmeError("file", `${path} can't be used (${reasonOf(error)}).`, { cause: error });
}
