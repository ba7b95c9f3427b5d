// One HTTP/1.1 request to a gateway, on its own connection and through the configured proxy, if any.

import { ClientRequest, type IncomingMessage } from "node:http";
import { CommandError } from "../command-error.ts";
import { errorCode } from "../error-code.ts";
import type { Network } from "./network.ts";
import { openSocket } from "./open-socket.ts";

export interface HttpRequest {
  readonly url: URL;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
  readonly signal: AbortSignal | undefined;
}

export interface HttpAnswer {
  readonly status: number;
  /** By its lower-case name. */
  header(name: string): string | undefined;
  /** Read it to its end, or stop early, which closes the connection. */
  readonly body: AsyncIterable<Uint8Array>;
}

/**
 * Resolves once the answer's headers have arrived. Redirects are not followed.
 * @throws CommandError, or the signal's reason
 */
export async function sendRequest(request: HttpRequest, network: Network): Promise<HttpAnswer> {
  const signal = request.signal ?? new AbortController().signal;
  const { url, method, body } = request;
  const socket = await openSocket(url, signal, { network });
  return await new Promise((resolve, reject) => {
    // Not `request()` of node:http: editors replace that in their extension hosts with one that dials by itself.
    const sent = new ClientRequest({
      createConnection: () => socket,
      method,
      host: url.hostname,
      port: url.port,
      path: `${url.pathname}${url.search}`,
      headers: {
        ...request.headers,
        host: url.host,
        ...(body === undefined ? {} : { "content-length": String(Buffer.byteLength(body)) }),
      },
      signal,
    });
    sent.on("error", (cause) => {
      socket.destroy();
      if (signal.aborted) reject(signal.reason);
      else reject(httpFailure(cause, url));
    });
    sent.on("response", (response: IncomingMessage) => {
      resolve({
        status: response.statusCode ?? 0,
        header: (name) => {
          const value = response.headers[name];
          return Array.isArray(value) ? value.join(", ") : value;
        },
        body: bodyOf(response, url, signal),
      });
    });
    sent.end(body);
  });
}

async function* bodyOf(response: IncomingMessage, url: URL, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of response) if (Buffer.isBuffer(chunk)) yield chunk;
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    throw error instanceof Error ? httpFailure(error, url) : error;
  } finally {
    response.destroy();
  }
}

function httpFailure(cause: Error, url: URL): CommandError {
  const code = errorCode(cause) ?? "EFAILED";
  const why =
    code === "ECONNRESET" || code === "EPIPE"
      ? "closed the connection before its answer was complete: is it a gateway, and is the scheme right?"
      : `did not answer as an HTTP server does: ${cause.message}`;
  return new CommandError("http", code, `${url.origin} ${why} (${code}).`, { cause });
}
