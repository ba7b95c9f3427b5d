// The clock of one end of a resumable stream: has it tick every TICK_MS, and whenever an ack is due.

import { TICK_MS } from "../limits.ts";

/** Milliseconds of a monotonic clock. */
export function now(): number {
  return performance.now();
}

export class EndClock {
  readonly #end: { readonly ackBy: number | undefined };
  readonly #tick: () => void;
  readonly #ticks: NodeJS.Timeout;
  #ackTimer: NodeJS.Timeout | undefined;

  constructor(end: { readonly ackBy: number | undefined }, tick: () => void) {
    this.#end = end;
    this.#tick = tick;
    this.#ticks = setInterval(tick, TICK_MS);
  }

  /** To be called after everything that may have made the end owe an ack. */
  scheduleAck(): void {
    const by = this.#end.ackBy;
    if (by === undefined || this.#ackTimer !== undefined) return;
    this.#ackTimer = setTimeout(
      () => {
        this.#ackTimer = undefined;
        const due = this.#end.ackBy;
        // Data may have carried the ack in the meantime; an ack that is owed since then has its own deadline.
        if (due !== undefined && due <= now()) this.#tick();
        else this.scheduleAck();
      },
      Math.max(0, by - now()),
    );
  }

  stop(): void {
    clearInterval(this.#ticks);
    clearTimeout(this.#ackTimer);
  }
}
