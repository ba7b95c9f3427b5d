// A TCP relay on a loopback port that does to connections what networks do: resets them, swallows what they carry without a
// word, freezes them, cuts the idle ones.

import { connect, createServer, type Server, type Socket } from "node:net";

interface Pair {
  readonly inner: Socket;
  readonly outer: Socket;
  /** Bytes go nowhere, and nobody is told. */
  swallowed: boolean;
  movedAt: number;
}

export class CutProxy {
  readonly #target: { readonly host: string; readonly port: number };
  readonly #server: Server;
  readonly #pairs = new Set<Pair>();
  #idle: NodeJS.Timeout | undefined;
  /** New connections are reset at once. */
  refusing = false;
  /** New connections are taken, and nothing of theirs moves before `release()`: no end of them makes anybody back off. */
  holding = false;
  readonly #held = new Set<Socket>();
  /** Connections that were made through it. */
  made = 0;
  #bytes = 0;

  private constructor(port: number) {
    this.#target = { host: "127.0.0.1", port };
    this.#server = createServer({ noDelay: true }, (outer) => this.#relay(outer));
  }

  static async start(targetPort: number): Promise<CutProxy> {
    const proxy = new CutProxy(targetPort);
    await new Promise<void>((resolve) => proxy.#server.listen(0, "127.0.0.1", resolve));
    return proxy;
  }

  get url(): string {
    const address = this.#server.address();
    return `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`;
  }

  /** Bytes that went through, both ways. */
  get bytes(): number {
    return this.#bytes;
  }

  get open(): number {
    return this.#pairs.size;
  }

  /** RST to both ends of every connection. */
  reset(): void {
    for (const pair of [...this.#pairs]) this.#end(pair, (socket) => socket.resetAndDestroy());
  }

  /** The same for the connection that has been open longest, such as a host's control connection. */
  resetOldest(): void {
    const [pair] = this.#pairs;
    if (pair !== undefined) this.#end(pair, (socket) => socket.resetAndDestroy());
  }

  /** From now on nothing that the connections of this moment carry arrives. New ones are not concerned. */
  swallow(): void {
    for (const pair of this.#pairs) {
      pair.swallowed = true;
      pair.inner.resume();
      pair.outer.resume();
    }
  }

  /** Nothing moves, and nothing is lost. */
  freeze(ms: number): void {
    const frozen = [...this.#pairs];
    for (const { inner, outer } of frozen) {
      inner.pause();
      outer.pause();
    }
    setTimeout(() => {
      for (const { inner, outer } of frozen) {
        inner.resume();
        outer.resume();
      }
    }, ms);
  }

  /** What is held moves from now on, as does what is new. */
  release(): void {
    this.holding = false;
    const held = [...this.#held];
    this.#held.clear();
    for (const outer of held) this.#relay(outer);
  }

  /** As load balancers do: what moved nothing for `ms` is closed. */
  cutIdle(ms: number): void {
    this.#idle = setInterval(() => {
      for (const pair of [...this.#pairs]) {
        if (Date.now() - pair.movedAt > ms) this.#end(pair, (socket) => socket.destroy());
      }
    }, 100);
  }

  async close(): Promise<void> {
    clearInterval(this.#idle);
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const pair of [...this.#pairs]) this.#end(pair, (socket) => socket.destroy());
    for (const outer of this.#held) outer.destroy();
    await closed;
  }

  #relay(outer: Socket): void {
    if (this.refusing) {
      outer.resetAndDestroy();
      return;
    }
    if (this.holding) {
      this.#held.add(outer);
      outer.on("error", () => undefined);
      outer.on("close", () => this.#held.delete(outer));
      return;
    }
    this.made++;
    const inner = connect({ ...this.#target, noDelay: true });
    const pair: Pair = { inner, outer, swallowed: false, movedAt: Date.now() };
    this.#pairs.add(pair);
    for (const [from, to] of [
      [outer, inner],
      [inner, outer],
    ] as const) {
      from.on("data", (data) => {
        if (pair.swallowed) return;
        pair.movedAt = Date.now();
        this.#bytes += data.length;
        if (!to.write(data)) from.pause();
      });
      to.on("drain", () => from.resume());
      // A swallowed connection says nothing of its ends either, until the other one is gone as well.
      from.on("end", () => {
        if (!pair.swallowed) to.end();
      });
      from.on("error", () => undefined);
      from.on("close", () => {
        if (!pair.swallowed) to.destroy();
        if (inner.destroyed && outer.destroyed) this.#pairs.delete(pair);
      });
    }
  }

  #end(pair: Pair, how: (socket: Socket) => void): void {
    this.#pairs.delete(pair);
    how(pair.inner);
    how(pair.outer);
  }
}
