// Requests that nobody foresaw: whatever comes, the API answers with a code, and never fails. The requests follow from the
// OpenAPI document, so that a new route is tested without anybody's doing.

import fc from "fast-check";
import { expect, test } from "vitest";
import { isErrorCode } from "../../../protocol/errors.ts";
import { LONG } from "../../support/long.ts";
import { type FuzzRequest, operationsOf, requestsFor } from "./requests.ts";
import { type FuzzAnswer, fuzzWorld } from "./world.ts";

/** undefined: the answer is as it should be. */
function problemOf({ method, path }: FuzzRequest, { status, type, text }: FuzzAnswer): string | undefined {
  if (status === 500) return "the gateway failed";
  if (status < 200 || status > 599) return "this is no status";
  if (status < 400) return undefined;
  // Answers to HEAD and of pages have no body in this form.
  if (method === "HEAD") return undefined;
  if (!/json/.test(type)) return `an error as ${type}`;
  const body: unknown = JSON.parse(text);
  if (typeof body !== "object" || body === null) return "no object";
  // RFC 6749 and RFC 7644 have forms of their own.
  if (path.startsWith("/oauth/")) return "error" in body ? undefined : "no error";
  if (path.startsWith("/scim/")) return "schemas" in body || "code" in body ? undefined : "no SCIM error";
  if (!("code" in body && isErrorCode(body.code))) return "no code";
  return "message" in body && typeof body.message === "string" ? undefined : "no message";
}

async function fuzz(each: number, milliseconds: number): Promise<void> {
  const { gateway, furnish, send, revive } = await fuzzWorld();
  const document = (await gateway.raw("GET", "/api/v1/openapi.json")).body;
  const operations = operationsOf(document);
  expect(operations.length).toBeGreaterThan(50);
  const until = Date.now() + milliseconds;
  const statuses = new Map<number, number>();
  for (const operation of operations) {
    // As many of each as there is time for, so that the last ones get their part.
    const left = (until - Date.now()) / (operations.length - operations.indexOf(operation));
    const known = await furnish();
    await fc.assert(
      fc.asyncProperty(requestsFor(operation, known), async (request) => {
        const answer = await send(request);
        statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
        const problem = problemOf(request, answer);
        if (problem !== undefined)
          throw new Error(`${problem}: ${answer.status} ${answer.text.slice(0, 300)}`);
        if (answer.status === 401 || answer.status === 403) {
          if (request.who.startsWith("admin")) await revive("admin");
          else if (request.who === "token" || request.who === "browser") await revive("ana");
        }
      }),
      // The state of the gateway has changed, so that a smaller request would tell less.
      {
        numRuns: each,
        endOnFailure: true,
        interruptAfterTimeLimit: Math.max(50, left),
        markInterruptAsFailure: false,
      },
    );
  }
  const failed = gateway.logLines.filter((line) => (JSON.parse(line) as { level: number }).level >= 50);
  expect(failed).toEqual([]);
  expect((await gateway.raw("GET", "/readyz")).status).toBe(200);
  console.log(`answers by status: ${JSON.stringify(Object.fromEntries([...statuses].sort()))}`);
  // Otherwise the requests would not get anywhere.
  expect((statuses.get(200) ?? 0) + (statuses.get(201) ?? 0) + (statuses.get(204) ?? 0)).toBeGreaterThan(
    operations.length,
  );
}

test("The API answers any request with a code", () => fuzz(8, 30_000));

test("The API answers thousands of requests with a code", LONG, () => fuzz(250, 100_000));
