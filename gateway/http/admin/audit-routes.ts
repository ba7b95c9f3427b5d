// /activity: what an account itself did. /audit: the audit log with filters, and as a file of one JSON object a line.

import { Readable } from "node:stream";
import type { FastifyReply } from "fastify";
import { type Static, Type } from "typebox";
import { ActivityQuery, AuditEntry, AuditFilter, AuditQuery } from "../../../protocol/api.ts";
import { parseTime } from "../../../protocol/values/time.ts";
import type { AuditCondition } from "../../audit/filter.ts";
import type { AuditRow } from "../../store/database/schema.ts";
import type { Store } from "../../store/store.ts";
import type { Api, ApiContext } from "../context.ts";
import { described } from "../openapi.ts";
import { identityOf, signedIn, signedInFresh } from "../sign-in.ts";
import { RateLimited } from "../sign-in-throttle.ts";

/** In this process. Each reads the whole table while others work. */
const MAX_EXPORTS = 2;
const EXPORT_ROWS = 500;
/** A client that takes nothing for this long is dropped, since it holds one of few exports. */
const STALL_MS = 60_000;

export function auditRoutes(api: Api, context: ApiContext): void {
  const { store } = context;
  let exports = 0;

  api.get(
    "/activity",
    {
      onRequest: signedIn(context, "account"),
      schema: {
        ...described("sign-in", "listActivity", "List what your own account did, newest first.", {
          200: Type.Array(AuditEntry),
        }),
        querystring: ActivityQuery,
      },
    },
    async (request) => {
      const { limit = 100, before, ...filter } = request.query;
      const { name: account } = identityOf(request).account;
      return (await store.auditLog.list({ limit, before, ...conditionOf(filter), account })).map(auditBody);
    },
  );

  api.get(
    "/audit",
    {
      onRequest: signedIn(context, "admin"),
      schema: {
        ...described("accounts", "readAudit", "Read the audit log, newest first.", {
          200: Type.Array(AuditEntry),
        }),
        querystring: AuditQuery,
      },
    },
    async (request) => {
      const { limit = 100, before, ...filter } = request.query;
      return (await store.auditLog.list({ limit, before, ...conditionOf(filter) })).map(auditBody);
    },
  );

  api.get(
    "/audit.ndjson",
    {
      onRequest: signedInFresh(context, "admin"),
      schema: {
        ...described("accounts", "exportAudit", "Export the audit log, newest first.", {
          200: {
            description: "One JSON object a line, each an entry of the audit log.",
            content: { "application/x-ndjson": { schema: AuditEntry } },
          },
        }),
        querystring: AuditFilter,
      },
    },
    async (request, reply) => {
      const condition = conditionOf(request.query);
      if (exports >= MAX_EXPORTS) {
        throw new RateLimited(`There are ${MAX_EXPORTS} exports already. Try again once one is done.`, 10);
      }
      exports++;
      let isOver = false;
      const over = (): void => {
        if (!isOver) exports--;
        isOver = true;
      };
      reply.raw.once("close", over);
      reply.raw.setTimeout(STALL_MS, () => reply.raw.destroy());
      const answer: FastifyReply = reply;
      return answer
        .header("content-type", "application/x-ndjson; charset=utf-8")
        .header("content-disposition", 'attachment; filename="audit.ndjson"')
        .send(Readable.from(linesOf(store, condition), { objectMode: false }));
    },
  );
}

/** A page of the log at a time. The next one is read once the client has taken this one. */
async function* linesOf(store: Store, condition: AuditCondition): AsyncGenerator<string> {
  let before: string | undefined;
  for (;;) {
    const rows = await store.auditLog.list({ limit: EXPORT_ROWS, before, ...condition });
    if (rows.length > 0) yield rows.map((row) => `${JSON.stringify(auditBody(row))}\n`).join("");
    before = rows.at(-1)?.id;
    if (rows.length < EXPORT_ROWS) return;
  }
}

/** @throws ProtocolError bad_request */
function conditionOf({ from, to, ...exact }: Static<typeof AuditFilter>): AuditCondition {
  return {
    ...exact,
    from: from === undefined ? undefined : parseTime(from, "from"),
    to: to === undefined ? undefined : parseTime(to, "to"),
  };
}

function auditBody(row: AuditRow): AuditEntry {
  const { bytes_in: bytesIn, bytes_out: bytesOut, duration_ms: durationMs, ...rest } = row;
  return { ...rest, bytesIn, bytesOut, durationMs };
}
