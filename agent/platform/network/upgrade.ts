// Makes a WebSocket of an open connection to a gateway. Its file is apart from dial-web-socket.ts because it is loaded while the
// network is waited for.

import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { WebSocket } from "ws";
import { type ErrorCode, isErrorCode } from "../../../protocol/errors.ts";
import { MAX_MESSAGE_BYTES } from "../../../protocol/limits.ts";
import { type GatewayUrl, isPlainRemote } from "../../../protocol/values/gateway-url.ts";
import { printable } from "../../../protocol/values/printable.ts";
import { zeroMask } from "../../../protocol/web-socket/web-socket-frame.ts";
import { paceWebSocket } from "../../../protocol/web-socket/web-socket-pace.ts";
import { CommandError } from "../command-error.ts";
import { stageOf } from "../stage.ts";
import { DEADLINE } from "./stage-run.ts";

export interface UpgradeRequest {
  readonly gateway: GatewayUrl;
  /** Offered in order of preference; the socket's `protocol` is the one that the gateway chose. */
  readonly subprotocols: readonly string[];
  /** Sent as `Authorization: Bearer`; undefined: none. */
  readonly token: string | undefined;
  /** A function is called once the connection is open, just before the request is sent. */
  readonly headers?: Readonly<Record<string, string>> | (() => Readonly<Record<string, string>>);
  /** Called with the headers of the answer that completes the upgrade. */
  readonly onAnswer?: (headers: IncomingHttpHeaders) => void;
  readonly signal: AbortSignal;
}

/**
 * An open WebSocket, paused so that nothing is lost before the first listener is there. A connection that is refused is destroyed.
 * @throws CommandError stage `http`, or with the gateway's own code
 */
export async function upgrade(connection: Socket, url: URL, request: UpgradeRequest): Promise<WebSocket> {
  const socket = new WebSocket(url, [...request.subprotocols], {
    createConnection: () => connection,
    perMessageDeflate: false,
    skipUTF8Validation: true,
    // Pings are answered at their pace.
    autoPong: false,
    maxPayload: MAX_MESSAGE_BYTES,
    followRedirects: false,
    headers: {
      ...(typeof request.headers === "function" ? request.headers() : request.headers),
      ...(request.token === undefined ? {} : { Authorization: `Bearer ${request.token}` }),
    },
    ...(isPlainRemote(request.gateway) ? {} : { generateMask: zeroMask }),
  });
  const { onAnswer } = request;
  if (onAnswer !== undefined) socket.once("upgrade", ({ headers }) => onAnswer(headers));
  try {
    await opened(socket, url, request.signal);
  } catch (error) {
    // The error above has already said what `ws` would say again.
    socket.on("error", () => undefined);
    socket.terminate();
    connection.destroy();
    throw error;
  }
  return socket;
}

function opened(socket: WebSocket, url: URL, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      fail(
        new CommandError("http", "ETIMEDOUT", `the gateway did not answer within ${DEADLINE.http / 1000} s`),
      );
    }, DEADLINE.http);
    const settle = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
      socket.removeAllListeners();
    };
    const fail = (error: unknown): void => {
      settle();
      reject(error);
    };
    const onAbort = (): void => fail(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    socket.once("open", () => {
      // Here and not later: what came with the handshake's answer is read on the next tick, before any `await` goes on.
      socket.pause();
      settle();
      paceWebSocket(socket);
      resolve();
    });
    socket.once("unexpected-response", (_request, response: IncomingMessage) => {
      readRefusal(response, url).then(fail, fail);
    });
    socket.once("error", (error) => {
      fail(
        new CommandError("http", "EFAILED", `the gateway did not accept a WebSocket: ${error.message}`, {
          cause: error,
        }),
      );
    });
  });
}

/** From the gateway's JSON error body or, where a proxy answered instead, from the status. */
async function readRefusal(response: IncomingMessage, url: URL): Promise<CommandError> {
  const status = response.statusCode ?? 0;
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of response) {
    if (!Buffer.isBuffer(part)) continue;
    size += part.length;
    if (size > 16 * 1024) break;
    parts.push(part);
  }
  const { foreignAnswer } = await import("./foreign-answer.ts");
  const refusal = parseBody(Buffer.concat(parts).toString());
  if (refusal !== undefined)
    return new CommandError(stageOf(refusal.code), refusal.code, printable(refusal.message, 500));
  const { location, "content-type": contentType } = response.headers;
  const foreign = foreignAnswer({ status, location, contentType }, url);
  if (foreign !== undefined) return foreign;
  const redirected = location === undefined ? "" : ` and points to ${printable(location, 500)}`;
  return new CommandError(
    "http",
    `HTTP_${status}`,
    `the answer was HTTP ${status}${redirected}, which does not come from a Sallyport gateway: check the URL, and whether a proxy or a login page answers instead`,
  );
}

function parseBody(text: string): { code: ErrorCode; message: string } | undefined {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    // Not JSON but, say, a proxy's page: the status tells enough.
    return undefined;
  }
  if (typeof body !== "object" || body === null || !("code" in body) || !("message" in body))
    return undefined;
  return isErrorCode(body.code) && typeof body.message === "string"
    ? { code: body.code, message: body.message }
    : undefined;
}
