// Turns every error during a request into the error body of the API. Errors that are not refusals of ours are
// logged, and the client gets no details.

import { type IncomingMessage, type ServerResponse, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import type { FastifyError, FastifyReply, FastifyRequest } from "fastify";
import type { Logger } from "pino";
import { type ErrorBody, ProtocolError } from "../../protocol/errors.ts";
import { destroyAfter } from "../../protocol/flow/end-then-destroy.ts";
import { MAX_BODY_BYTES } from "../../protocol/limits.ts";
import {
  ID_PATTERN,
  parseAccountId,
  parseKeyId,
  parseTokenId,
  parseWorkspaceId,
} from "../../protocol/values/id.ts";
import {
  NAME_PATTERN,
  parseName,
  parseWorkspaceRef,
  WORKSPACE_REF_PATTERN,
} from "../../protocol/values/name.ts";
import { PRINTABLE_PATTERN } from "../../protocol/values/printable.ts";
import { RateLimited } from "./sign-in-throttle.ts";

type Thrown = FastifyError | ProtocolError | Error;

export function sendError(
  error: Thrown,
  request: FastifyRequest,
  reply: FastifyReply,
  log: Logger,
): FastifyReply {
  const refusal = asRefusal(error);
  if (refusal.status >= 500 && refusal.code === "internal") {
    log.error({ err: error, method: request.method, route: request.routeOptions.url }, "A request failed.");
  }
  if (refusal.status === 401) reply.header("www-authenticate", challengeFor(refusal));
  if (refusal instanceof RateLimited) reply.header("retry-after", String(refusal.retryAfterSeconds));
  request.refusedWith = refusal.code;
  return reply
    .code(refusal.status)
    .header("cache-control", "no-store")
    .type("application/json; charset=utf-8")
    .serializer(JSON.stringify)
    .send(refusal.toBody());
}

/** Any error as a refusal with a code; `internal` if it is not the client's fault. */
export function asRefusal(error: Thrown): ProtocolError {
  if (error instanceof ProtocolError) return error;
  if ("validation" in error && error.validation !== undefined) {
    return refusalOfSchema(error.validation, error.validationContext);
  }
  const code = "code" in error ? error.code : undefined;
  switch (code) {
    case "FST_ERR_CTP_BODY_TOO_LARGE":
      return new ProtocolError(
        "message_too_large",
        `A request body may have at most ${MAX_BODY_BYTES} bytes.`,
      );
    case "FST_ERR_CTP_INVALID_MEDIA_TYPE":
      return new ProtocolError("unsupported_media_type", "Send the body as application/json.");
    case "FST_ERR_CTP_INVALID_JSON_BODY":
    case "FST_ERR_CTP_EMPTY_JSON_BODY":
      return new ProtocolError("bad_request", "The body is not JSON.");
    case "FST_ERR_BAD_URL":
      return new ProtocolError("bad_url", "The path is not a valid URL path.");
  }
  const status = "statusCode" in error ? error.statusCode : undefined;
  if (status !== undefined && status >= 400 && status < 500) {
    // Fastify and the JSON parser mark errors of the client this way. Their messages are safe, but not meant
    // for people.
    return new ProtocolError("bad_request", "The request is malformed.");
  }
  return new ProtocolError("internal", "The gateway failed; its log says why.", { cause: error });
}

/** Answers a request with an `Expect` header that is not `100-continue`. No route sees it either. */
export function refuseExpectation(_request: IncomingMessage, response: ServerResponse): void {
  const body: ErrorBody = {
    code: "bad_request",
    message: "The gateway does not do what the Expect header asks.",
  };
  response
    .writeHead(417, { "content-type": "application/json; charset=utf-8", connection: "close" })
    .end(JSON.stringify(body));
}

/** How long what was written may take to leave, and the client to close its side. */
const LAST_WORDS_MS = 2_000;

/** Answers a request that cannot be parsed as HTTP, so that no route ever sees it. */
export function answerClientError(error: Error & { code?: string }, socket: Duplex): void {
  // Before the TLS handshake is complete nothing can be sent: what is written would wait for it.
  if (!socket.writable || /^ERR_(TLS|SSL)_/.test(error.code ?? "")) {
    socket.destroy();
    return;
  }
  destroyAfter(socket, LAST_WORDS_MS);
  const [status, body] = clientErrorOf(error.code);
  const text = JSON.stringify(body);
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? "Error"}\r\nConnection: close\r\n` +
      `Content-Type: application/json; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`,
  );
}

function clientErrorOf(code: string | undefined): [number, ErrorBody] {
  switch (code) {
    case "HPE_HEADER_OVERFLOW":
      return [431, { code: "message_too_large", message: "The request's headers are too large." }];
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return [408, { code: "bad_request", message: "The request took too long to arrive." }];
    default:
      return [400, { code: "bad_request", message: "This is not a valid HTTP request." }];
  }
}

interface SchemaProblem {
  readonly keyword: string;
  readonly instancePath: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly message?: string;
}

function refusalOfSchema(problems: readonly SchemaProblem[], part = "request"): ProtocolError {
  const first = problems.find((problem) => problem.keyword !== "boolean") ?? problems[0];
  if (first === undefined) return new ProtocolError("bad_request", "The request does not fit its schema.");
  const field = fieldOf(first);
  const named = problems.find(
    ({ instancePath, keyword }) => instancePath === first.instancePath && keyword === "pattern",
  );
  const better = refusalOfPattern(named?.params.pattern, field);
  if (better !== undefined) return better;
  const where = field === undefined ? `The ${part}` : field;
  return new ProtocolError(
    "bad_request",
    `${where} ${wordsOf(first)}.`,
    field === undefined ? {} : { field },
  );
}

/** For names, references and ids the validator throws the error, with its own code. */
const VALIDATORS = new Map<unknown, (field: string | undefined) => unknown>([
  [NAME_PATTERN, (field) => parseName(undefined, field)],
  [WORKSPACE_REF_PATTERN, () => parseWorkspaceRef(undefined)],
  [ID_PATTERN.account, (field) => parseAccountId(undefined, field)],
  [ID_PATTERN.workspace, (field) => parseWorkspaceId(undefined, field)],
  [ID_PATTERN.key, (field) => parseKeyId(undefined, field)],
  [ID_PATTERN.token, (field) => parseTokenId(undefined, field)],
]);

function refusalOfPattern(pattern: unknown, field: string | undefined): ProtocolError | undefined {
  try {
    VALIDATORS.get(pattern)?.(field);
  } catch (error) {
    if (error instanceof ProtocolError) return error;
    throw error;
  }
  return undefined;
}

/** The field is the last part of the JSON pointer that is not an index: `/scopes/0` is about `scopes`. */
function fieldOf(problem: SchemaProblem): string | undefined {
  const named = problem.params.requiredProperties ?? problem.params.additionalProperties;
  const inside = Array.isArray(named) && typeof named[0] === "string" ? named[0] : undefined;
  const parts = problem.instancePath.split("/").filter((part) => part !== "" && !/^\d+$/.test(part));
  return (inside ?? parts.at(-1))?.slice(0, 100);
}

function wordsOf(problem: SchemaProblem): string {
  switch (problem.keyword) {
    case "required":
      return "is missing";
    case "additionalProperties":
      return "is not a known field";
    case "const":
    case "anyOf":
      return "is not one of the allowed values";
    case "pattern":
      return problem.params.pattern === PRINTABLE_PATTERN
        ? "contains characters that are not visible, such as control characters or joiners: leave them out"
        : "does not have the required form";
    default:
      return problem.message ?? "is not valid";
  }
}

/** A client that sent no credentials is told the scheme only (RFC 6750 §3). */
function challengeFor(refusal: ProtocolError): string {
  return refusal.code === "unauthenticated"
    ? 'Bearer realm="sallyport"'
    : 'Bearer realm="sallyport", error="invalid_token"';
}
