// Every refusal in Sallyport has a stable code. The gateway puts it into HTTP error bodies and control messages; the agent
// prints its message, and the code tells it whether another try makes sense.

import { printable } from "./values/printable.ts";

/** Code → HTTP status. The one list of what can go wrong between the three programs. */
export const ERROR_STATUS = {
  bad_request: 400,
  bad_name: 400,
  bad_id: 400,
  bad_token: 400,
  bad_key: 400,
  bad_url: 400,
  bad_message: 400,
  bad_proof: 400,
  unauthenticated: 401,
  token_unknown: 401,
  token_expired: 401,
  token_revoked: 401,
  account_disabled: 403,
  /** The workspace or the key is frozen. */
  frozen: 403,
  /** The browser session is good, but the person must prove again who they are. */
  reauthentication_required: 403,
  /** The identity provider's answer, or the operator's rules, do not let this person in. */
  sign_in_refused: 403,
  scope_missing: 403,
  forbidden: 403,
  registration_closed: 403,
  token_bound: 403,
  not_found: 404,
  workspace_unknown: 404,
  stream_unknown: 404,
  name_taken: 409,
  key_taken: 409,
  identity_mismatch: 409,
  host_key_held: 409,
  fenced: 409,
  limit_reached: 409,
  /** Signed in by a provider for the first time: the person must choose the name of the account. */
  name_needed: 409,
  message_too_large: 413,
  unsupported_media_type: 415,
  bad_range: 416,
  unsupported_version: 426,
  rate_limited: 429,
  internal: 500,
  stream_refused: 502,
  /** The identity provider does not answer, or not as it should. */
  provider_unavailable: 502,
  workspace_offline: 503,
  gateway_full: 503,
  shutting_down: 503,
  workspace_timeout: 504,
} as const;

export type ErrorCode = keyof typeof ERROR_STATUS;

const codes: ReadonlySet<string> = new Set(Object.keys(ERROR_STATUS));

export function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === "string" && codes.has(value);
}

/**
 * A refusal with a stable code and a sentence that a person can act on.
 * `field` names the input that is wrong, where there is one. Thrown once, shown once, at the edge.
 */
export class ProtocolError extends Error {
  readonly code: ErrorCode;
  readonly field: string | undefined;

  constructor(code: ErrorCode, message: string, options: { field?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.name = "ProtocolError";
    this.code = code;
    this.field = options.field;
  }

  get status(): number {
    return ERROR_STATUS[this.code];
  }

  /** For the wire. Text that others chose may be quoted in the message, so it is made printable. */
  toBody(): ErrorBody {
    return {
      code: this.code,
      message: printable(this.message, 1_000),
      ...(this.field === undefined ? {} : { field: printable(this.field, 100) }),
    };
  }
}

/** A gateway's answer for a path that it does not have. A path of the API may be newer than the gateway. */
export const NOTHING_AT_PATH = "There is nothing at this path.";

/** The body of every HTTP error response. */
export interface ErrorBody {
  code: ErrorCode;
  message: string;
  field?: string;
}

const PASSING: ReadonlySet<ErrorCode> = new Set([
  "rate_limited",
  "stream_unknown",
  "host_key_held",
  "frozen",
]);

/**
 * Whether another try is pointless because a person has to change something first (RFC 9110 §15.5: the same request would be
 * refused again). Everything else is tried again, also a host key that waits for its owner's decision, or a frozen workspace.
 */
export function isFinal(code: ErrorCode): boolean {
  const status = ERROR_STATUS[code];
  return status >= 400 && status < 500 && !PASSING.has(code);
}

/** The WebSocket close codes in use (RFC 6455 §7.4.2: 4000–4999 are private). */
export const CLOSE = {
  /** A newer connection with the same identity took over. */
  fenced: 4001,
  /** Refused; the reason is an error code. */
  refused: 4002,
  /** The other end of the spliced stream is gone. */
  peerGone: 4003,
  /** Nothing was heard for too long. */
  timeout: 4004,
  /** The server is about to stop. The client dials again. */
  goingAway: 1001,
  /** A message did not parse, or was not allowed. */
  protocolError: 1002,
  /** A message was larger than its limit. */
  tooLarge: 1009,
  normal: 1000,
} as const;
