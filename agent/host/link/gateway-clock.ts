// What time it is at the gateway, told when the host registers and carried on by a clock that nobody sets. A machine whose own
// clock is off (WSL after a sleep, a container without NTP) can thereby still judge the certificates of two minutes with
// which its gateway signs in for people.
//
// A gateway that lies about the time gains nothing by it: whoever answers a registration names the keys whose certificates
// this host takes, and can sign one for any time. Nothing else is judged by this clock: `expiry-time=` of an
// authorized_keys line, above all, is the machine's own business.

import { CLOCK_OFF_MS, parseTime, TIME_HEADER } from "../../../protocol/clock.ts";
import { formatDuration } from "../../platform/duration.ts";
import type { Log } from "../../platform/log.ts";

type Headers = Readonly<Record<string, string | readonly string[] | undefined>>;

interface Clocks {
  /** Milliseconds since 1970, as the machine shows them. */
  readonly wall: () => number;
  /** Milliseconds since some moment; never set. */
  readonly steady: () => number;
}

const CLOCKS: Clocks = { wall: Date.now, steady: () => performance.now() };

export class GatewayClock {
  readonly #log: Log;
  readonly #clocks: Clocks;
  #measured: { readonly gateway: number; readonly at: number } | undefined;
  /** When the request left that is being answered; on the steady clock. */
  #asked = 0;
  #told = 0;

  constructor(log: Log, clocks: Clocks = CLOCKS) {
    this.#log = log;
    this.#clocks = clocks;
  }

  /** For a request that is sent now. */
  headers(): Record<string, string> {
    this.#asked = this.#clocks.steady();
    return { [TIME_HEADER]: String(Math.round(this.#clocks.wall())) };
  }

  /** Of its answer. A gateway of before says nothing; then the machine's own clock is all there is. */
  answered(headers: Headers): void {
    const said = parseTime(headers[TIME_HEADER]);
    const at = this.#clocks.steady();
    // Written somewhere on the way there and back: in the middle, as far as can be told.
    this.#measured = said === undefined ? undefined : { gateway: said + (at - this.#asked) / 2, at };
    this.#warn();
  }

  /** undefined: not known. */
  now(): Date | undefined {
    if (this.#measured === undefined) return undefined;
    const { gateway, at } = this.#measured;
    return new Date(gateway + this.#clocks.steady() - at);
  }

  #warn(): void {
    const now = this.now();
    if (now === undefined) return;
    const ahead = this.#clocks.wall() - now.getTime();
    // Once for each difference: a link that comes and goes says it no more often.
    const isNews = Math.abs(ahead - this.#told) > CLOCK_OFF_MS / 2;
    if (Math.abs(ahead) < CLOCK_OFF_MS || !isNews) return;
    this.#told = ahead;
    const by = formatDuration(Math.abs(ahead) / 1000);
    this.#log.warn(
      `this machine's clock is ${by} ${ahead > 0 ? "ahead of" : "behind"} the gateway's: set it, or certificates and expiry times go wrong here`,
    );
  }
}
