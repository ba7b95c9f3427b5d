// The answer to a request that revokes something: 204 where it is done, 202 where it is in effect but not yet
// written, because the disk is full.

import type { FastifyReply } from "fastify";
import { NotWritten } from "../../../protocol/api.ts";
import type { Durability } from "../../store/unwritten.ts";
import { Nothing } from "../openapi.ts";

/** The answers in the schema of such a route. */
export const REVOKED = {
  202: { ...NotWritten, description: "In effect, but not written to the disk yet." },
  204: Nothing,
};

export function answerRevoked(reply: FastifyReply, durability: Durability): FastifyReply {
  if (durability === "written") return reply.code(204).send(null);
  return reply.code(202).send({ message: NOT_WRITTEN });
}

export const NOT_WRITTEN =
  "This is in effect now. The gateway cannot write to its database at the moment, and keeps trying.";
