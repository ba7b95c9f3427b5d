// Slows down guessing: after too many failed sign-ins from one address, further ones are refused for a while.

import { ProtocolError } from "../../protocol/errors.ts";
import { addressBlock } from "../../protocol/values/address-block.ts";

const MAX_FAILURES = 30;
const WINDOW_MS = 60_000;
/** Addresses remembered at once; the one that failed longest ago makes room. */
const MAX_ADDRESSES = 10_000;

/** Refused for now; `retryAfter` is in seconds. */
export class RateLimited extends ProtocolError {
  readonly retryAfter: number;

  constructor(message: string, retryAfter: number) {
    super("rate_limited", message);
    this.retryAfter = retryAfter;
  }
}

export class SignInThrottle {
  readonly #failures = new Map<string, { count: number; until: number }>();
  readonly #now: () => number;
  readonly #onFailure: (address: string) => void;

  /** @param onFailure is told of failures, as far as they count: for other processes that have a throttle of their own */
  constructor(now: () => number = Date.now, onFailure: (address: string) => void = () => undefined) {
    this.#now = now;
    this.#onFailure = onFailure;
  }

  /**
   * Whoever presents a good credential need not be asked: checked before the credential, a stranger behind the same
   * proxy could lock everyone out.
   * @throws RateLimited
   */
  check(address: string): void {
    const entry = this.#failures.get(addressBlock(address));
    if (entry === undefined || entry.count < MAX_FAILURES) return;
    const left = entry.until - this.#now();
    if (left <= 0) return;
    throw new RateLimited(
      "Too many failed sign-ins from this address: wait a minute.",
      Math.ceil(left / 1000),
    );
  }

  failed(address: string): void {
    if (this.#count(address) <= MAX_FAILURES) this.#onFailure(address);
  }

  /** The same, in another process. */
  failedElsewhere(address: string): void {
    this.#count(address);
  }

  /** Returns how many failures there are now. */
  #count(address: string): number {
    const block = addressBlock(address);
    const now = this.#now();
    const former = this.#failures.get(block);
    const entry =
      former === undefined || former.until <= now
        ? { count: 1, until: now + WINDOW_MS }
        : { count: former.count + 1, until: former.until };
    // Taken out first, so that the map's order is that of the last failure.
    this.#failures.delete(block);
    this.#failures.set(block, entry);
    if (this.#failures.size > MAX_ADDRESSES) {
      const oldest = this.#failures.keys().next();
      if (oldest.done !== true) this.#failures.delete(oldest.value);
    }
    return entry.count;
  }
}
