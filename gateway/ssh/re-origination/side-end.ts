// The end of one side of a relayed session: says goodbye behind everything that was sent, and waits until it has left. A
// client on a slow line gets its last output; one that takes nothing any more is cut off.

import type { PacketTransport } from "../../../protocol/ssh/ssh2/transport.ts";

const LOOK_MS = 250;
/** Nothing at all has left for this long. */
const STALLED_MS = 30_000;
/**
 * From the last byte's leaving until the peer closes too. Long, because what has left may wait in the system for a slow
 * line, and closing before the peer has read it all could turn into a reset.
 */
const FAREWELL_MS = 60_000;

export class SideEnd {
  readonly #transport: PacketTransport;
  /** Resolves when there is nothing more to wait for; the stream is closed then, or about to be. */
  readonly gone: Promise<void>;
  #leave: () => void = () => {};
  #farewell: { readonly code: number; readonly text: string } | undefined;
  #said = false;
  #over = false;
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

  /** Once. */
  begin(code: number, text: string): void {
    if (this.#farewell !== undefined) return;
    this.#farewell = { code, text };
    this.#transport.resume();
    if (this.#over) {
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
      } else if (Date.now() - since > (now === 0 && this.#said ? FAREWELL_MS : STALLED_MS)) {
        this.#finish();
      }
    }, LOOK_MS);
    this.#watch.unref();
    this.drain();
  }

  /** The transport may be able to send again: what waited for a key exchange goes before the goodbye. */
  drain(): void {
    if (this.#farewell === undefined || this.#said || this.#transport.exchangingKeys) return;
    this.#said = true;
    this.#transport.disconnect(this.#farewell.code, this.#farewell.text);
  }

  /** The peer sends nothing more. */
  ended(): void {
    this.#over = true;
    if (this.#farewell !== undefined) this.#finish();
  }

  #finish(): void {
    clearInterval(this.#watch);
    this.#transport.destroy();
    this.#leave();
  }
}
