// The gateway's clock: the gateway tells its time when the host registers, and a monotonic clock here carries it on. So a
// machine whose own clock is wrong (WSL after a sleep, a container without NTP) can still judge the two-minute certificates
// with which the gateway signs in for people.
//
// A gateway gains nothing by lying about the time: it names the keys whose certificates this host accepts, and can sign one
// for any time. Nothing else is judged by this clock; `expiry-time=` of an authorized_keys line, above all, goes by the
// machine's own.

import { CLOCK_OFF_MS, parseTime, TIME_HEADER } from "../../../protocol/clock.ts";
import { formatDuration } from "../../platform/duration.ts";
import type { Log } from "../../platform/log.ts";

type Headers = Readonly<Record<string, string | readonly string[] | undefined>>;

interface Clocks {
  /** Milliseconds since 1970 by the machine's clock. */
  readonly wall: () => number;
  /** Milliseconds since an arbitrary moment; monotonic. */
  readonly steady: () => number;
}

const CLOCKS: Clocks = { wall: Date.now, steady: () => performance.now() };

export class GatewayClock {
  readonly #log: Log;
  readonly #clocks: Clocks;
  #measured: { readonly gateway: number; readonly at: number } | undefined;
  /** When the last request was sent, on the steady clock. */
  #asked = 0;
  /** The difference that the log has (ms). */
  #warnedOf = 0;

  constructor(log: Log, clocks: Clocks = CLOCKS) {
    this.#log = log;
    this.#clocks = clocks;
  }

  /** The headers of a request that is sent now. */
  headers(): Record<string, string> {
    this.#asked = this.#clocks.steady();
    return { [TIME_HEADER]: String(Math.round(this.#clocks.wall())) };
  }

  /** Takes the headers of the answer. Older gateways do not tell their time, which is then unknown. */
  answered(headers: Headers): void {
    const said = parseTime(headers[TIME_HEADER]);
    const at = this.#clocks.steady();
    // The gateway read its clock at some moment of the round trip: the middle is the best guess.
    this.#measured = said === undefined ? undefined : { gateway: said + (at - this.#asked) / 2, at };
    this.#warn();
  }

  /** The gateway's time; undefined: not known. */
  now(): Date | undefined {
    if (this.#measured === undefined) return undefined;
    const { gateway, at } = this.#measured;
    return new Date(gateway + this.#clocks.steady() - at);
  }

  #warn(): void {
    const now = this.now();
    if (now === undefined) return;
    const ahead = this.#clocks.wall() - now.getTime();
    // Once per difference, however often the link is made again.
    const isNews = Math.abs(ahead - this.#warnedOf) > CLOCK_OFF_MS / 2;
    if (Math.abs(ahead) < CLOCK_OFF_MS || !isNews) return;
    this.#warnedOf = ahead;
    const by = formatDuration(Math.abs(ahead) / 1000);
    this.#log.warn(
      `this machine's clock is ${by} ${ahead > 0 ? "ahead of" : "behind"} the gateway's: set it, or this host misjudges certificates and expiry times`,
    );
  }
}
