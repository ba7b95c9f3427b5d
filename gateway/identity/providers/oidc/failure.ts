// What went wrong with an identity provider, as a refusal with a code: it did not answer, or what it answered lets nobody in.

import * as client from "openid-client";
import { ProtocolError } from "../../../../protocol/errors.ts";
import { printable } from "../../../../protocol/values/printable.ts";
import { redactSecrets } from "../../../../protocol/values/token.ts";

/** The library's codes for an answer that says nothing about the person. */
const NO_ANSWER = new Set([
  "OAUTH_TIMEOUT",
  "OAUTH_ABORT",
  "OAUTH_RESPONSE_IS_NOT_CONFORM",
  "OAUTH_RESPONSE_IS_NOT_JSON",
  "OAUTH_PARSE_ERROR",
  "OAUTH_HTTP_REQUEST_FORBIDDEN",
  "OAUTH_REQUEST_PROTOCOL_FORBIDDEN",
  "OAUTH_MISSING_SERVER_METADATA",
  "OAUTH_INVALID_SERVER_METADATA",
]);
/** Errors of the provider (RFC 6749 §4.1.2.1, §5.2) that are not about the person. */
const NOT_THE_PERSON = new Set([
  "server_error",
  "temporarily_unavailable",
  "invalid_client",
  "unauthorized_client",
  "unsupported_grant_type",
  "invalid_request",
  "invalid_scope",
]);

/** @returns ProtocolError sign_in_refused or provider_unavailable */
export function asRefusal(error: unknown, label: string): ProtocolError {
  if (error instanceof ProtocolError) return error;
  const reason = reasonFor(error);
  return isAnswer(error)
    ? new ProtocolError("sign_in_refused", `${label} did not sign you in (${reason}).`, { cause: error })
    : new ProtocolError("provider_unavailable", `${label} does not answer as it should (${reason}).`, {
        cause: error,
      });
}

/** Whether the provider has answered, and refused the person or vouched for nobody. */
function isAnswer(error: unknown): boolean {
  if (error instanceof client.AuthorizationResponseError || error instanceof client.ResponseBodyError) {
    const status = error instanceof client.ResponseBodyError ? error.status : 400;
    return status < 500 && !NOT_THE_PERSON.has(error.error);
  }
  return error instanceof client.ClientError && error.code !== undefined && !NO_ANSWER.has(error.code);
}

/** Whether a refresh token was refused. Anything else may be a passing trouble. */
export function isInvalidGrant(error: unknown): boolean {
  return error instanceof client.ResponseBodyError && error.error === "invalid_grant" && error.status < 500;
}

/** One short, printable line for logs, audit and the provider's state. */
export function reasonFor(error: unknown): string {
  const parts: string[] = [];
  for (let at: unknown = error; at instanceof Error && parts.length < 3; at = at.cause) {
    if (at instanceof client.AuthorizationResponseError || at instanceof client.ResponseBodyError) {
      parts.push(`${at.error}${at.error_description === undefined ? "" : `: ${at.error_description}`}`);
      break;
    }
    const code =
      "code" in at && typeof at.code === "string" && !at.message.includes(at.code) ? `${at.code} ` : "";
    // An error about several addresses has no message of its own.
    const message = at instanceof AggregateError ? reasonFor(at.errors[0]) : at.message.split("\n")[0];
    // That is all that the library says of an error that it does not know; the cause says more.
    if (message !== "something went wrong") parts.push(`${code}${message ?? ""}`.trim());
  }
  return printable(redactSecrets(parts.filter((part) => part !== "").join(": ") || "no reason given"), 200);
}
