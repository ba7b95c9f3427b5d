// Refusals of the OAuth endpoints. They have a shape of their own (RFC 6749 §5.2), which OAuth libraries understand.

import type { FastifyReply, FastifyRequest } from "fastify";
import type { Logger } from "pino";
import type { ProtocolError } from "../../../protocol/errors.ts";
import type { OAuthError, OAuthErrorCode } from "../../../protocol/sign-in/oauth.ts";
import { printable } from "../../../protocol/values/printable.ts";
import { asRefusal } from "../../http/error-response.ts";
import { RateLimited } from "../../http/sign-in-throttle.ts";

export class OAuthRefusal extends Error {
  readonly code: OAuthErrorCode;
  /** Of HTTP. */
  readonly status: number;
  /** What the rest of the gateway calls it; for the audit log. */
  readonly reason: ProtocolError | undefined;

  constructor(
    code: OAuthErrorCode,
    message: string,
    options: { status?: number; reason?: ProtocolError } = {},
  ) {
    super(message);
    this.name = "OAuthRefusal";
    this.code = code;
    this.status = options.status ?? 400;
    this.reason = options.reason;
  }
}

export function sendOAuthError(
  error: Error,
  request: FastifyRequest,
  reply: FastifyReply,
  log: Logger,
): FastifyReply {
  const refusal = asOAuthRefusal(error);
  if (refusal.code === "server_error") {
    log.error({ err: error, method: request.method, route: request.routeOptions.url }, "A request failed.");
  }
  if (error instanceof RateLimited) reply.header("retry-after", String(error.retryAfterSeconds));
  request.refusedWith = refusal.reason?.code ?? refusal.code;
  const body: OAuthError = { error: refusal.code, error_description: describe(refusal.message) };
  return reply
    .code(refusal.status)
    .header("cache-control", "no-store")
    .header("pragma", "no-cache")
    .type("application/json; charset=utf-8")
    .serializer(JSON.stringify)
    .send(body);
}

function asOAuthRefusal(error: Error): OAuthRefusal {
  if (error instanceof OAuthRefusal) return error;
  const reason = asRefusal(error);
  const { status, message } = reason;
  switch (reason.code) {
    case "internal":
      return new OAuthRefusal("server_error", message, { status, reason });
    case "unsupported_media_type":
      return new OAuthRefusal("invalid_request", "Send the body as application/x-www-form-urlencoded.", {
        status,
        reason,
      });
    case "rate_limited":
    case "shutting_down":
      return new OAuthRefusal("temporarily_unavailable", message, { status, reason });
    default:
      return new OAuthRefusal("invalid_request", message, { status, reason });
  }
}

/** RFC 6749 §5.2: printable ASCII without quotes and backslashes. */
function describe(message: string): string {
  return printable(message, 300).replace(/[^\x20\x21\x23-\x5b\x5d-\x7e]/g, "?");
}
