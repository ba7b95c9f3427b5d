// Routes that need no token: the discovery document, the API's description, and the health checks.

import { type TSchema, Type } from "typebox";
import { Discovery, ErrorBody } from "../../../protocol/api.ts";
import { ProtocolError } from "../../../protocol/errors.ts";
import { PATHS } from "../../../protocol/values/gateway-url.ts";
import type { Api, ApiContext } from "../context.ts";

const Status = Type.Object({ status: Type.String() });

export function publicRoutes(api: Api, context: ApiContext): void {
  api.get(
    PATHS.wellKnown,
    { schema: open("discover", "Get what a client has to know before it signs in.", { 200: Discovery }) },
    async () => context.discovery(),
  );

  api.get(
    `${PATHS.api}/openapi.json`,
    { schema: open("getOpenApi", "Get this document.", { 200: Type.Unsafe({ type: "object" }) }) },
    // Sent as it is: a response schema would drop what it does not list.
    async (_request, reply) => reply.serializer(JSON.stringify).send(api.swagger()),
  );

  api.get(
    "/healthz",
    {
      exposeHeadRoute: true,
      schema: open("isAlive", "Check whether the process is alive.", { 200: Status }),
    },
    async () => ({ status: "ok" }),
  );

  api.get(
    "/readyz",
    {
      exposeHeadRoute: true,
      schema: open(
        "isReady",
        "Check whether requests should be sent here. The answer is 503 while the gateway stops or its database does not answer.",
        {
          200: Status,
          503: ErrorBody,
        },
      ),
    },
    async () => {
      if (context.isShuttingDown()) {
        throw new ProtocolError("shutting_down", "The gateway is about to stop.");
      }
      if (!(await context.store.isReady())) {
        throw new ProtocolError("internal", "The database does not answer.");
      }
      return { status: "ok" };
    },
  );
}

function open<R extends Record<string, TSchema>>(operationId: string, summary: string, response: R) {
  return { tags: ["gateway"], operationId, summary, response };
}
