// What a gateway's refusal means, by its error code: the stage at which it refused, and whether the token is the reason.

import { ERROR_STATUS, type ErrorCode, isErrorCode } from "../../protocol/errors.ts";
import { CommandError, type Stage } from "./command-error.ts";

/** Whether the gateway does not take the token that came with a request (any more). */
export function isTokenRefused(error: unknown): error is CommandError {
  return error instanceof CommandError && isErrorCode(error.code) && ERROR_STATUS[error.code] === 401;
}

export function stageOf(code: ErrorCode): Stage {
  switch (code) {
    case "unauthenticated":
    case "bad_token":
    case "token_unknown":
    case "token_expired":
    case "token_revoked":
    case "account_disabled":
    case "scope_missing":
    case "forbidden":
    case "registration_closed":
    case "token_bound":
      return "sign-in";
    case "workspace_unknown":
    case "workspace_offline":
    case "workspace_timeout":
    case "stream_refused":
    case "name_taken":
    case "identity_mismatch":
    case "host_key_held":
    case "fenced":
      return "workspace";
    case "stream_unknown":
      return "tunnel";
    case "bad_name":
    case "bad_id":
    case "bad_url":
      return "config";
    case "bad_key":
    case "bad_proof":
      return "file";
    default:
      return "http";
  }
}
