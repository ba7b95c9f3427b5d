// Requests that a client sends before the ones before them are answered (RFC 9112 §9.3.2). One read may hold thousands; each
// costs its sender a line of text. They are answered one after the other, and a client that does not wait for answers is cut.

import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import type { Socket } from "node:net";

/** Behind the one that is being answered. */
const MAX_WAITING = 32;

export function oneAtATime(handler: RequestListener): RequestListener {
  /** Of each connection that has a request in work: those behind it. */
  const behind = new WeakMap<Socket, [IncomingMessage, ServerResponse][]>();

  const next = (socket: Socket): void => {
    const waiting = behind.get(socket)?.shift();
    if (waiting === undefined) behind.delete(socket);
    // Everyone else has a turn before the next one.
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
    // What is left of a read whose beginning was too much.
    if (socket.destroyed) return;
    const waiting = behind.get(socket);
    if (waiting === undefined) {
      behind.set(socket, []);
      answer(request, response);
    } else if (waiting.length < MAX_WAITING) waiting.push([request, response]);
    else socket.destroy();
  };
}
