// The gateway's HTTP API, as the agent calls it: typed, checked on arrival, and every failure a CommandError that names
// its stage.

import { type Static, type TSchema, Type } from "typebox";
import { Check, Clean } from "typebox/value";
import {
  AccessTokenInfo,
  AddedKey,
  type CreateAccessToken,
  CreatedAccessToken,
  CreatedOwnerToken,
  type DecideHostKey,
  Discovery,
  Key,
  Me,
  NotWritten,
  OwnerTokenInfo,
  PendingKey,
  Share,
  SharedWithMe,
  Workspace,
} from "../../protocol/api.ts";
import { isErrorCode, NOTHING_AT_PATH, ProtocolError } from "../../protocol/errors.ts";
import { whatIsWrong } from "../../protocol/values/fields.ts";
import { type GatewayUrl, PATHS } from "../../protocol/values/gateway-url.ts";
import type { KeyId, TokenId, WorkspaceId } from "../../protocol/values/id.ts";
import { formatWorkspaceRef, type Name, type WorkspaceRef } from "../../protocol/values/name.ts";
import { printable } from "../../protocol/values/printable.ts";
import type { AccessToken } from "../../protocol/values/token.ts";
import { VERSION } from "../../protocol/version.ts";
import { CommandError } from "../platform/command-error.ts";
import { networkWithEditor } from "../platform/network/configured-network.ts";
import { foreignAnswer } from "../platform/network/foreign-answer.ts";
import type { HttpAnswer, HttpRequest } from "../platform/network/http-request.ts";
import type { Network } from "../platform/network/network.ts";
import { networkFailure } from "../platform/network/network-failure.ts";
import { stageOf } from "../platform/stage.ts";

const TIMEOUT_MS = 15_000;
/** A list of 10,000 workspaces fits. */
const MAX_ANSWER_BYTES = 16 * 1024 * 1024;

export interface GatewayApiOptions {
  readonly token?: AccessToken;
  readonly signal?: AbortSignal;
  /** For the whole of one request, in ms. */
  readonly timeoutMs?: number;
  /**
   * Proxies and trust as they are configured; undefined: the process's own `fetch`, which in an editor goes the way of the
   * editor's and the system's settings. Where `fetch` would not verify certificates it is not used.
   */
  readonly network?: Network | undefined;
}

export type GatewayApi = ReturnType<typeof gatewayApi>;

/**
 * Every function throws CommandError, its code the gateway's or the system's. Those that take something back return what has to
 * be said besides: it is in effect, and the gateway could not write it to its disk yet.
 */
export function gatewayApi(gateway: GatewayUrl, options: GatewayApiOptions = {}) {
  const call = <T extends TSchema>(method: string, path: string, schema: T, body?: unknown) =>
    request(gateway, options, { method, path: `${PATHS.api}${path}`, body }, schema);
  const remove = (path: string) =>
    request(gateway, options, { method: "DELETE", path: `${PATHS.api}${path}` }, undefined);
  const post = (path: string) =>
    request(gateway, options, { method: "POST", path: `${PATHS.api}${path}` }, undefined);
  const at = (workspace: WorkspaceRef) => `/workspaces/${encodeURIComponent(formatWorkspaceRef(workspace))}`;
  return {
    discovery: () => discover(gateway, options),
    me: () => call("GET", "/me", Me),
    workspaces: () => call("GET", "/workspaces", Type.Array(Workspace)),
    workspace: (ref: WorkspaceRef) => call("GET", at(ref), Workspace),
    renameWorkspace: (ref: WorkspaceRef, name: Name) => call("PATCH", at(ref), Workspace, { name }),
    /** Whether a host with this key may take the workspace over. */
    decideHostKey: (ref: WorkspaceRef, decided: DecideHostKey) =>
      call("POST", `${at(ref)}/host-key`, Workspace, decided),
    /** Its host is disconnected. */
    deleteWorkspace: (ref: WorkspaceRef) => remove(at(ref)),
    shares: (ref: WorkspaceRef) => call("GET", `${at(ref)}/shares`, Type.Array(Share)),
    share: (ref: WorkspaceRef, account: Name) => call("POST", `${at(ref)}/shares`, Share, { account }),
    /** What other accounts share with this one, and what they offer. */
    sharedWithMe: () => call("GET", "/shares", Type.Array(SharedWithMe)),
    acceptShare: (id: WorkspaceId) => post(`/shares/${id}/accept`),
    /** Declines what is offered, leaves what was accepted. */
    leaveShare: (id: WorkspaceId) => remove(`/shares/${id}`),
    unshare: (ref: WorkspaceRef, account: Name) => remove(`${at(ref)}/shares/${account}`),
    keys: () => call("GET", "/keys", Type.Array(Key)),
    /** Names a key; it opens nothing before `proveKey`. */
    addKey: (publicKey: string, title: string | undefined) =>
      call("POST", "/keys", AddedKey, { publicKey, ...(title === undefined ? {} : { title }) }),
    /** At a gateway of before, without the capability `key-proofs`. */
    addKeyUnproved: (publicKey: string, title: string | undefined) =>
      call("POST", "/keys", Key, { publicKey, ...(title === undefined ? {} : { title }) }),
    proveKey: (id: string, signature: string) => call("POST", `/keys/${id}/proof`, Key, { signature }),
    pendingKeys: () => call("GET", "/keys/pending", Type.Array(PendingKey)),
    removeKey: (id: KeyId) => remove(`/keys/${id}`),
    tokens: () => call("GET", "/tokens", Type.Array(AccessTokenInfo)),
    /** `expiresIn` in seconds; null: never. At most as long as the asking token. */
    createToken: (wanted: CreateAccessToken) => call("POST", "/tokens", CreatedAccessToken, wanted),
    revokeToken: (id: TokenId) => remove(`/tokens/${id}`),
    ownerTokens: (ref: WorkspaceRef) => call("GET", `${at(ref)}/owner-tokens`, Type.Array(OwnerTokenInfo)),
    createOwnerToken: (ref: WorkspaceRef, expiresIn: number | undefined) =>
      call(
        "POST",
        `${at(ref)}/owner-tokens`,
        CreatedOwnerToken,
        expiresIn === undefined ? {} : { expiresIn },
      ),
    revokeOwnerToken: (ref: WorkspaceRef, id: TokenId) => remove(`${at(ref)}/owner-tokens/${id}`),
    /** The event stream's body, open until `options.signal` aborts. */
    events: () => openStream(gateway, options),
  };
}

async function discover(gateway: GatewayUrl, options: GatewayApiOptions): Promise<Static<typeof Discovery>> {
  const { token: _, ...anonymous } = options;
  try {
    return await request(gateway, anonymous, { method: "GET", path: PATHS.wellKnown }, Discovery);
  } catch (error) {
    if (!(error instanceof CommandError) || error.stage !== "http" || error.code !== "not_a_gateway")
      throw error;
    const { cause } = error;
    const detail =
      cause instanceof NotUnderstood ? `, or says what this version does not understand${cause.where}` : "";
    const message = `${gateway} is not a Sallyport gateway${detail}: check the URL.`;
    throw new CommandError("http", "not_a_gateway", message, { cause: error });
  }
}

interface Request {
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
}

async function request<T extends TSchema>(
  gateway: GatewayUrl,
  options: GatewayApiOptions,
  what: Request,
  schema: T,
): Promise<Static<T>>;
async function request(
  gateway: GatewayUrl,
  options: GatewayApiOptions,
  what: Request,
  schema: undefined,
): Promise<string | undefined>;
async function request(
  gateway: GatewayUrl,
  options: GatewayApiOptions,
  what: Request,
  schema: TSchema | undefined,
): Promise<unknown> {
  const timeout = AbortSignal.timeout(options.timeoutMs ?? TIMEOUT_MS);
  const signal = options.signal === undefined ? timeout : AbortSignal.any([options.signal, timeout]);
  let response: HttpAnswer;
  let text: string;
  try {
    response = await send(gateway, options, what, signal);
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

async function openStream(
  gateway: GatewayUrl,
  options: GatewayApiOptions,
): Promise<AsyncIterable<Uint8Array>> {
  const what = { method: "GET", path: `${PATHS.api}/events`, accept: "text/event-stream" };
  let response: HttpAnswer;
  let text = "";
  try {
    response = await send(gateway, options, what, options.signal);
    if (!isOk(response)) text = await readAll(response);
  } catch (error) {
    throw failure(error, gateway, options.signal);
  }
  if (!isOk(response)) throw refusal(gateway, options.token !== undefined, response, text);
  const foreign = foreignTo(gateway, response);
  if (foreign !== undefined) throw foreign;
  return response.body;
}

async function send(
  gateway: GatewayUrl,
  { token, network }: GatewayApiOptions,
  what: Request & { readonly accept?: string },
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
  // Looked at for each request: other extensions of an editor set it at any time, for the whole process.
  const verifies = process.env.NODE_TLS_REJECT_UNAUTHORIZED !== "0";
  if (network === undefined && verifies) return await byFetch(request);
  const { sendRequest } = await import("../platform/network/http-request.ts");
  return await sendRequest(request, network ?? networkWithEditor(process.env, undefined));
}

async function byFetch({ url, method, headers, body, signal }: HttpRequest): Promise<HttpAnswer> {
  const response = await fetch(url, {
    method,
    headers,
    // A redirect would take the token along, or lose it: neither without the person knowing.
    redirect: "manual",
    ...(body === undefined ? {} : { body }),
    ...(signal === undefined ? {} : { signal }),
  });
  return {
    status: response.status,
    header: (name) => response.headers.get(name) ?? undefined,
    body: response.body ?? nothing(),
  };
}

async function* nothing(): AsyncGenerator<Uint8Array> {}

function isOk({ status }: HttpAnswer): boolean {
  return status >= 200 && status < 300;
}

async function readAll(response: HttpAnswer): Promise<string> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of response.body) {
    size += part.length;
    if (size > MAX_ANSWER_BYTES) {
      throw new CommandError("http", "answer_too_large", "The gateway's answer is too large to be one.");
    }
    parts.push(part);
  }
  return Buffer.concat(parts).toString("utf8");
}

function checked<T extends TSchema>(gateway: GatewayUrl, schema: T, text: string): Static<T> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw notAGateway(gateway, "something that is not JSON", cause);
  }
  // A newer gateway may tell more than this version knows of.
  const known: unknown = Clean(schema, value);
  if (!Check(schema, known)) {
    const where = whatIsWrong(schema, known);
    const what = `something that this version does not understand${where}`;
    throw notAGateway(gateway, what, new NotUnderstood(where));
  }
  return known;
}

/** The answer is JSON, and not what its schema says; `where` names the field, in brackets behind a blank. */
class NotUnderstood extends Error {
  override readonly name = "NotUnderstood";
  readonly where: string;

  constructor(where: string) {
    super(`The answer does not fit its schema${where}.`);
    this.where = where;
  }
}

/** What an answer other than 2xx means. */
function refusal(gateway: GatewayUrl, signedIn: boolean, response: HttpAnswer, text: string): CommandError {
  const location = response.header("location");
  const foreign = foreignTo(gateway, response);
  if (foreign !== undefined) return foreign;
  if (response.status >= 300 && response.status < 400 && location !== undefined) {
    const target = URL.canParse(location, gateway)
      ? new URL(location, gateway).origin
      : printable(location, 200);
    return new CommandError("http", "redirected", `${gateway} sends us on to ${target}: use that URL.`);
  }
  const body = errorBody(text);
  if (body === undefined) return notAGateway(gateway, `HTTP status ${response.status}`);
  if (body.code === "not_found" && body.message === NOTHING_AT_PATH) {
    const message = `${gateway} is of an older version of Sallyport, which cannot do this yet: have it updated.`;
    return new CommandError("http", "not_supported", message);
  }
  const stage = stageOf(body.code);
  const message = printable(body.message, 500);
  if (response.status !== 401) return new CommandError(stage, body.code, message);
  const advice = signedIn
    ? `run \`sallyport login ${gateway}\` with a new token`
    : `run \`sallyport login ${gateway}\``;
  return new CommandError(stage, body.code, `${message.replace(/\.$/, "")}: ${advice}.`);
}

function foreignTo(gateway: GatewayUrl, { status, header }: HttpAnswer): CommandError | undefined {
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
    // Not JSON: something else than a gateway answered, such as a proxy.
    return undefined;
  }
}

function notAGateway(gateway: GatewayUrl, what: string, cause?: unknown): CommandError {
  return new CommandError(
    "http",
    "not_a_gateway",
    `${gateway} answered with ${what}: is it a Sallyport gateway, and is nothing in between?`,
    { cause },
  );
}

function failure(error: unknown, gateway: GatewayUrl, signal: AbortSignal | undefined): unknown {
  if (error instanceof CommandError || signal?.aborted === true) return error;
  return networkFailure(error, gateway);
}
