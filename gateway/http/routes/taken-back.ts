// The answer to a request that takes something back: done, or done and not written yet, since the disk is full.

import type { FastifyReply } from "fastify";
import { NotWritten } from "../../../protocol/api.ts";
import type { Durability } from "../../store/unwritten.ts";
import { Nothing } from "../openapi.ts";

/** For the schema of such a route. */
export const TAKEN_BACK = {
  202: { ...NotWritten, description: "In effect, and not written to the disk yet." },
  204: Nothing,
};

export function answerTakenBack(reply: FastifyReply, durability: Durability): FastifyReply {
  if (durability === "written") return reply.code(204).send(null);
  return reply.code(202).send({ message: NOT_WRITTEN });
}

export const NOT_WRITTEN =
  "It is in effect now. The gateway's database cannot be written at the moment; it is tried again until it is.";
