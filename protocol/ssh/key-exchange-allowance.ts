// How often a peer may ask for new keys (RFC 4253 §9). Each exchange costs this side some milliseconds (group16: about 30)
// and the peer next to nothing, if it wants. There is room for OpenSSH's `RekeyLimit` down to a megabyte, and for smaller ones
// on connections that carry little. Pure.

/** At once, on a new connection. */
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

  /** The peer asks for new keys; `bytes` were carried under those before. False: too often. */
  take(bytes: number): boolean {
    const now = this.#now();
    const earned = bytes / BYTES_EACH + (now - this.#since) / MS_EACH;
    this.#since = now;
    this.#left = Math.min(BURST, this.#left + earned) - 1;
    return this.#left >= 0;
  }
}
