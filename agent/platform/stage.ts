// The stage at which a gateway refused, by its error code.

import type { ErrorCode } from "../../protocol/errors.ts";
import type { Stage } from "./command-error.ts";

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
