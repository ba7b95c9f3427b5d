// Slows down guessing: after too many failed sign-ins from an address, further ones are refused for a while.

import { ProtocolError } from "../../protocol/errors.ts";
import { addressBlock } from "../../protocol/values/address-block.ts";

const MAX_FAILURES = 30;
const WINDOW_MS = 60_000;
/** How many addresses are remembered. Beyond that, the one that failed longest ago is forgotten. */
const MAX_ADDRESSES = 10_000;

/** A refusal for the moment. */
export class RateLimited extends ProtocolError {
  readonly retryAfterSeconds: number;

  constructor(message: string, retryAfterSeconds: number) {
    super("rate_limited", message);
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

export class SignInThrottle {
  readonly #failures = new Map<string, { count: number; until: number }>();
  readonly #now: () => number;
  readonly #onFailure: (address: string) => void;

  /** @param onFailure is called with each failure that counts, so that other processes can count it too */
  constructor(now: () => number = Date.now, onFailure: (address: string) => void = () => undefined) {
    this.#now = now;
    this.#onFailure = onFailure;
  }

  /**
   * Call this only after a credential was refused. If it were checked before, a stranger behind the same
   * proxy could lock everyone out.
   * @throws RateLimited
   */
  check(address: string): void {
    const entry = this.#failures.get(addressBlock(address));
    if (entry === undefined || entry.count < MAX_FAILURES) return;
    const left = entry.until - this.#now();
    if (left <= 0) return;
    throw new RateLimited(
      "Too many failed sign-ins from this address. Wait a minute.",
      Math.ceil(left / 1000),
    );
  }

  failed(address: string): void {
    if (this.#count(address) <= MAX_FAILURES) this.#onFailure(address);
  }

  /** A sign-in failed in another process. */
  failedElsewhere(address: string): void {
    this.#count(address);
  }

  /** Returns the number of failures of this address. */
  #count(address: string): number {
    const block = addressBlock(address);
    const now = this.#now();
    const former = this.#failures.get(block);
    const entry =
      former === undefined || former.until <= now
        ? { count: 1, until: now + WINDOW_MS }
        : { count: former.count + 1, until: former.until };
    // Deleted first, so that the map stays in the order of the last failure.
    this.#failures.delete(block);
    this.#failures.set(block, entry);
    if (this.#failures.size > MAX_ADDRESSES) {
      const oldest = this.#failures.keys().next();
      if (oldest.done !== true) this.#failures.delete(oldest.value);
    }
    return entry.count;
  }
}
