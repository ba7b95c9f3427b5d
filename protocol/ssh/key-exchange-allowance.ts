// How often a peer may start a key exchange (RFC 4253 §9). Each one costs this side some milliseconds (about 30 with group16),
// and a malicious peer next to nothing. The limits allow OpenSSH's `RekeyLimit` down to a megabyte, and smaller values on
// connections that carry little. Pure.

/** How many exchanges are allowed at once, on a new connection. */
const BURST = 40;
const BYTES_EACH = 512 * 1024;
const MS_EACH = 2_000;

export class KeyExchangeAllowance {
  readonly #now: () => number;
  #left = BURST;
  #since: number;

  /** @param now a clock in ms */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
    this.#since = now();
  }

  /** The peer starts a key exchange after `bytes` under the previous keys. Returns false if that is too often. */
  take(bytes: number): boolean {
    const now = this.#now();
    const earned = bytes / BYTES_EACH + (now - this.#since) / MS_EACH;
    this.#since = now;
    this.#left = Math.min(BURST, this.#left + earned) - 1;
    return this.#left >= 0;
  }
}
