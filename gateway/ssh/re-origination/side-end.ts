// The end of one side of a relayed connection. It sends DISCONNECT after everything else, and waits until all
// of it has left. So a client on a slow line gets its last output, and a client that takes nothing is cut
// off.

import type { PacketTransport } from "../../../protocol/ssh/ssh2/transport.ts";

const CHECK_MS = 250;
/** A peer is cut off once nothing at all has left for this long. */
const STALLED_MS = 30_000;
/**
 * How long the peer may take to close after the last byte has left. It is long because the system may still
 * have bytes for a slow line, and closing before the peer has read them could turn into a reset.
 */
const FAREWELL_MS = 60_000;

export class SideEnd {
  readonly #transport: PacketTransport;
  /** Resolves when there is nothing more to wait for. The stream is then closed or about to close. */
  readonly gone: Promise<void>;
  #leave: () => void = () => {};
  #farewell: { readonly code: number; readonly text: string } | undefined;
  #isSent = false;
  #isPeerDone = false;
  #watch: NodeJS.Timeout | undefined;

  constructor(transport: PacketTransport) {
    this.#transport = transport;
    this.gone = new Promise((resolve) => {
      this.#leave = resolve;
    });
  }

  get begun(): boolean {
    return this.#farewell !== undefined;
  }

  /** Begins the end. Calling it again does nothing. */
  begin(code: number, text: string): void {
    if (this.#farewell !== undefined) return;
    this.#farewell = { code, text };
    this.#transport.resume();
    if (this.#isPeerDone) {
      this.#finish();
      return;
    }
    let waiting = this.#transport.waitingBytes;
    let since = Date.now();
    this.#watch = setInterval(() => {
      const now = this.#transport.waitingBytes;
      if (now !== waiting) {
        waiting = now;
        since = Date.now();
      } else if (Date.now() - since > (now === 0 && this.#isSent ? FAREWELL_MS : STALLED_MS)) {
        this.#finish();
      }
    }, CHECK_MS);
    this.#watch.unref();
    this.drain();
  }

  /**
   * To be called when the transport may send again. What waited for a key exchange is sent before DISCONNECT.
   */
  drain(): void {
    if (this.#farewell === undefined || this.#isSent || this.#transport.exchangingKeys) return;
    this.#isSent = true;
    this.#transport.disconnect(this.#farewell.code, this.#farewell.text);
  }

  /** The peer sends nothing more. */
  ended(): void {
    this.#isPeerDone = true;
    if (this.#farewell !== undefined) this.#finish();
  }

  #finish(): void {
    clearInterval(this.#watch);
    this.#transport.destroy();
    this.#leave();
  }
}
