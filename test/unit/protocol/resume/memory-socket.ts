// Two ends of a WebSocket in memory, as far as ByteSocket goes. Messages arrive a tick later, in order.

import { EventEmitter } from "node:events";
import { type ByteSocket, OPEN } from "../../../../protocol/web-socket/web-socket.ts";

export class MemorySocket implements ByteSocket {
  readyState: number = OPEN;
  bufferedAmount = 0;
  isPaused = true;
  /** How the other end closed it, or this one. */
  closedWith: { code: number; reason: string } | undefined;
  peer: MemorySocket | undefined;
  readonly #events = new EventEmitter();
  readonly #inbox: { readonly data: unknown; readonly isBinary: boolean }[] = [];
  readonly on = this.#events.on.bind(this.#events);
  readonly once = this.#events.once.bind(this.#events);

  static pair(): [MemorySocket, MemorySocket] {
    const [a, b] = [new MemorySocket(), new MemorySocket()];
    a.peer = b;
    b.peer = a;
    return [a, b];
  }

  send(data: Uint8Array | string, options: { binary: boolean }, done?: (error?: Error) => void): void {
    if (this.readyState === OPEN) this.peer?.arrive(data, options.binary);
    done?.();
  }

  arrive(data: unknown, isBinary: boolean): void {
    this.#inbox.push({ data, isBinary });
    if (!this.isPaused) queueMicrotask(() => this.#flush());
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
    queueMicrotask(() => this.#flush());
  }

  close(code = 1005, reason = ""): void {
    this.#over(code, reason);
    const { peer } = this;
    if (peer !== undefined) queueMicrotask(() => peer.#over(code, reason));
  }

  terminate(): void {
    this.close(1006);
  }

  #flush(): void {
    while (!this.isPaused) {
      const message = this.#inbox.shift();
      if (message === undefined) return;
      this.#events.emit("message", message.data, message.isBinary);
    }
  }

  #over(code: number, reason: string): void {
    if (this.closedWith !== undefined) return;
    if (!this.isPaused) this.#flush();
    this.closedWith = { code, reason };
    this.readyState = 3;
    this.#events.emit("close", code, Buffer.from(reason));
  }
}
