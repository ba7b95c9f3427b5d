// Refusals in SCIM's own form (RFC 7644 §3.12).

import type { FastifyReply } from "fastify";
import { type ErrorCode, ProtocolError } from "../../../protocol/errors.ts";
import { printable } from "../../../protocol/values/printable.ts";

export const SCIM_TYPE = "application/scim+json; charset=utf-8";
const ERROR_SCHEMA = "urn:ietf:params:scim:api:messages:2.0:Error";

/** What is wrong, in the words of RFC 7644 §3.12. */
type ScimProblem = "invalidFilter" | "invalidSyntax" | "invalidValue" | "mutability" | "uniqueness";
const PROBLEMS: { readonly [K in ErrorCode]?: ScimProblem } = {
  bad_request: "invalidSyntax",
  name_taken: "uniqueness",
};

/** A request that SCIM has a word for. */
export class ScimError extends ProtocolError {
  readonly problem: ScimProblem;

  constructor(problem: ScimProblem, message: string) {
    super("bad_request", message);
    this.problem = problem;
  }
}

export function sendScimError(refusal: ProtocolError, reply: FastifyReply): FastifyReply {
  const problem = refusal instanceof ScimError ? refusal.problem : PROBLEMS[refusal.code];
  return reply
    .code(refusal.status)
    .type(SCIM_TYPE)
    .serializer(JSON.stringify)
    .send({
      schemas: [ERROR_SCHEMA],
      status: String(refusal.status),
      ...(problem === undefined ? {} : { scimType: problem }),
      detail: printable(refusal.message, 1_000),
    });
}
