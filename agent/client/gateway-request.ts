// Sends one request to a gateway: through the configured network or, in an editor, by the editor's own `fetch`. Every failure is
// a CommandError that names its stage.

import type { Static, TSchema } from "typebox";
import { NotWritten } from "../../protocol/api.ts";
import type { GatewayUrl } from "../../protocol/values/gateway-url.ts";
import { printable } from "../../protocol/values/printable.ts";
import type { AccessToken } from "../../protocol/values/token.ts";
import { VERSION } from "../../protocol/version.ts";
import { CommandError } from "../platform/command-error.ts";
import type { HttpAnswer, HttpRequest } from "../platform/network/http-request.ts";
import type { Network } from "../platform/network/network.ts";
import { networkFailure } from "../platform/network/network-failure.ts";
import { isTokenRefused } from "../platform/stage.ts";
import { checked, foreignTo, refusal } from "./gateway-answer.ts";
import { send } from "./http-send.ts";

const TIMEOUT_MS = 15_000;
/** Enough for a list of 10,000 workspaces. */
const MAX_ANSWER_BYTES = 16 * 1024 * 1024;

export interface GatewayApiOptions {
  readonly token?: AccessToken;
  /** Asked once when the gateway refuses the token. The same token, or undefined: there is no other one. */
  readonly renewToken?: (refused: AccessToken) => Promise<AccessToken | undefined>;
  readonly signal?: AbortSignal;
  /** For one whole request, in ms. */
  readonly timeoutMs?: number;
  /**
   * The configured proxies and trust; undefined: the process's own `fetch`, which in an editor follows the editor's and the
   * system's settings. Where `fetch` would not verify certificates it is not used.
   */
  readonly network?: Network | undefined;
}

export interface ApiRequest {
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
}

export async function request<T extends TSchema>(
  gateway: GatewayUrl,
  options: GatewayApiOptions,
  what: ApiRequest,
  schema: T,
): Promise<Static<T>>;
export async function request(
  gateway: GatewayUrl,
  options: GatewayApiOptions,
  what: ApiRequest,
  schema: undefined,
): Promise<string | undefined>;
export async function request(
  gateway: GatewayUrl,
  options: GatewayApiOptions,
  what: ApiRequest,
  schema: TSchema | undefined,
): Promise<unknown> {
  return await withRenewal(options, (now) => requestOnce(gateway, now, what, schema));
}

/** Runs `ask` again with a newer token, where the gateway refuses the first one and there is a newer one. */
async function withRenewal<T>(
  options: GatewayApiOptions,
  ask: (options: GatewayApiOptions) => Promise<T>,
): Promise<T> {
  const { token, renewToken } = options;
  try {
    return await ask(options);
  } catch (error) {
    if (token === undefined || renewToken === undefined || !isTokenRefused(error)) throw error;
    const next = await renewToken(token);
    if (next === undefined || next === token) throw error;
    return await ask({ ...options, token: next });
  }
}

async function requestOnce(
  gateway: GatewayUrl,
  options: GatewayApiOptions,
  what: ApiRequest,
  schema: TSchema | undefined,
): Promise<unknown> {
  const timeout = AbortSignal.timeout(options.timeoutMs ?? TIMEOUT_MS);
  const signal = options.signal === undefined ? timeout : AbortSignal.any([options.signal, timeout]);
  let response: HttpAnswer;
  let text: string;
  try {
    response = await sendToGateway(gateway, options, what, signal);
    text = await readAll(response);
  } catch (error) {
    throw failure(error, gateway, options.signal);
  }
  if (!isOk(response)) throw refusal(gateway, options.token !== undefined, response, text);
  const foreign = foreignTo(gateway, response);
  if (foreign !== undefined) throw foreign;
  if (schema !== undefined) return checked(gateway, schema, text);
  return response.status === 202 ? printable(checked(gateway, NotWritten, text).message, 500) : undefined;
}

/** The body of an endless answer, such as the event stream: open until `options.signal` aborts. */
export async function openStream(
  gateway: GatewayUrl,
  options: GatewayApiOptions,
  path: string,
): Promise<AsyncIterable<Uint8Array>> {
  return await withRenewal(options, (now) => openStreamOnce(gateway, now, path));
}

async function openStreamOnce(
  gateway: GatewayUrl,
  options: GatewayApiOptions,
  path: string,
): Promise<AsyncIterable<Uint8Array>> {
  const what = { method: "GET", path, accept: "text/event-stream" };
  let response: HttpAnswer;
  let text = "";
  try {
    response = await sendToGateway(gateway, options, what, options.signal);
    if (!isOk(response)) text = await readAll(response);
  } catch (error) {
    throw failure(error, gateway, options.signal);
  }
  if (!isOk(response)) throw refusal(gateway, options.token !== undefined, response, text);
  const foreign = foreignTo(gateway, response);
  if (foreign !== undefined) throw foreign;
  return response.body;
}

async function sendToGateway(
  gateway: GatewayUrl,
  { token, network }: GatewayApiOptions,
  what: ApiRequest & { readonly accept?: string },
  signal: AbortSignal | undefined,
): Promise<HttpAnswer> {
  const headers: Record<string, string> = {
    accept: what.accept ?? "application/json",
    "user-agent": `sallyport/${VERSION}`,
  };
  if (token !== undefined) headers.authorization = `Bearer ${token}`;
  if (what.body !== undefined) headers["content-type"] = "application/json";
  const request: HttpRequest = {
    url: new URL(`${gateway}${what.path}`),
    method: what.method,
    headers,
    body: what.body === undefined ? undefined : JSON.stringify(what.body),
    signal,
  };
  return await send(request, network);
}

function isOk({ status }: HttpAnswer): boolean {
  return status >= 200 && status < 300;
}

async function readAll(response: HttpAnswer): Promise<string> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of response.body) {
    size += part.length;
    if (size > MAX_ANSWER_BYTES) {
      throw new CommandError("http", "answer_too_large", "The gateway's answer is too large.");
    }
    parts.push(part);
  }
  return Buffer.concat(parts).toString("utf8");
}

function failure(error: unknown, gateway: GatewayUrl, signal: AbortSignal | undefined): unknown {
  if (error instanceof CommandError || signal?.aborted === true) return error;
  return networkFailure(error, gateway);
}
