// What a gateway's answer means: the value that its schema describes, a refusal in the gateway's own words, or something that
// is not a gateway's answer.

import type { Static, TSchema } from "typebox";
import { Check, Clean } from "typebox/value";
import { isErrorCode, NOTHING_AT_PATH, ProtocolError } from "../../protocol/errors.ts";
import { whatIsWrong } from "../../protocol/values/fields.ts";
import type { GatewayUrl } from "../../protocol/values/gateway-url.ts";
import { printable } from "../../protocol/values/printable.ts";
import { CommandError } from "../platform/command-error.ts";
import { foreignAnswer } from "../platform/network/foreign-answer.ts";
import type { HttpAnswer } from "../platform/network/http-request.ts";
import { stageOf } from "../platform/stage.ts";

/** The answer's JSON, without fields that this version does not know. @throws CommandError `not_a_gateway` */
export function checked<T extends TSchema>(gateway: GatewayUrl, schema: T, text: string): Static<T> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw notAGateway(gateway, "something that is not JSON", cause);
  }
  // A newer gateway may send fields that this version does not know.
  const known: unknown = Clean(schema, value);
  if (!Check(schema, known)) {
    const where = whatIsWrong(schema, known);
    const what = `something that this version does not understand${where}`;
    throw notAGateway(gateway, what, new NotUnderstood(where));
  }
  return known;
}

/** The answer is JSON but does not fit its schema. `where` names the field: a blank, then its path in brackets. */
export class NotUnderstood extends Error {
  override readonly name = "NotUnderstood";
  readonly where: string;

  constructor(where: string) {
    super(`The answer does not fit its schema${where}.`);
    this.where = where;
  }
}

/** What an answer means whose status is not 2xx. */
export function refusal(
  gateway: GatewayUrl,
  signedIn: boolean,
  response: HttpAnswer,
  text: string,
): CommandError {
  const location = response.header("location");
  const foreign = foreignTo(gateway, response);
  if (foreign !== undefined) return foreign;
  if (response.status >= 300 && response.status < 400 && location !== undefined) {
    const target = URL.canParse(location, gateway)
      ? new URL(location, gateway).origin
      : printable(location, 200);
    return new CommandError("http", "redirected", `${gateway} redirects to ${target}: use that URL.`);
  }
  const body = errorBody(text);
  if (body === undefined) return notAGateway(gateway, `HTTP status ${response.status}`);
  if (body.code === "not_found" && body.message === NOTHING_AT_PATH) {
    const message = `${gateway} runs an older version of Sallyport that cannot do this yet: ask its administrator to update it.`;
    return new CommandError("http", "not_supported", message);
  }
  const stage = stageOf(body.code);
  const message = printable(body.message, 500);
  if (response.status !== 401) return new CommandError(stage, body.code, message);
  const todo = `run \`sallyport login ${gateway}\`${signedIn ? " again" : ""}`;
  return new CommandError(stage, body.code, `${message.replace(/\.$/, "")}: ${todo}.`);
}

/** Whether something in the network answered instead of the gateway: see foreignAnswer. */
export function foreignTo(gateway: GatewayUrl, { status, header }: HttpAnswer): CommandError | undefined {
  return foreignAnswer(
    { status, location: header("location"), contentType: header("content-type") },
    new URL(gateway),
  );
}

function errorBody(text: string): ProtocolError | undefined {
  try {
    const body: unknown = JSON.parse(text);
    if (typeof body !== "object" || body === null) return undefined;
    if (!("code" in body && "message" in body && isErrorCode(body.code))) return undefined;
    return typeof body.message === "string" ? new ProtocolError(body.code, body.message) : undefined;
  } catch {
    // Not JSON: what answered is not a gateway but, say, a proxy.
    return undefined;
  }
}

function notAGateway(gateway: GatewayUrl, what: string, cause?: unknown): CommandError {
  return new CommandError(
    "http",
    "not_a_gateway",
    `${gateway} answered with ${what}: is it a Sallyport gateway, and does no proxy stand in between?`,
    { cause },
  );
}
