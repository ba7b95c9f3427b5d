// Pipelining: a client sends requests without waiting for the answers to earlier ones (RFC 9112 §9.3.2). One
// read may contain thousands, each a line of text. They are answered one by one, and a client that never
// waits is disconnected.

import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import type { Socket } from "node:net";

/** Requests that wait while another one of the connection is answered. */
const MAX_WAITING = 32;

export function oneAtATime(handler: RequestListener): RequestListener {
  /** For each connection with a request that is being answered: the requests behind it. */
  const behind = new WeakMap<Socket, [IncomingMessage, ServerResponse][]>();

  const next = (socket: Socket): void => {
    const waiting = behind.get(socket)?.shift();
    if (waiting === undefined) behind.delete(socket);
    // Other connections have their turn before the next request.
    else setImmediate(answer, ...waiting);
  };
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    const { socket } = request;
    if (socket.destroyed) return;
    response.once("close", () => next(socket));
    handler(request, response);
  };

  return (request, response) => {
    const { socket } = request;
    // The rest of a read that has already exceeded the limit.
    if (socket.destroyed) return;
    const waiting = behind.get(socket);
    if (waiting === undefined) {
      behind.set(socket, []);
      answer(request, response);
    } else if (waiting.length < MAX_WAITING) waiting.push([request, response]);
    else socket.destroy();
  };
}
