// Starts a new key exchange per gigabyte and per hour (RFC 4253 §9); ssh2 by itself never does.

import type { PacketTransport } from "./ssh2/transport.ts";

export interface KeyExchangeLimits {
  readonly bytes: number;
  readonly ageMs: number;
}

/** RFC 4253 §9. */
export const KEY_EXCHANGE_LIMITS: KeyExchangeLimits = { bytes: 1024 ** 3, ageMs: 3_600_000 };

export interface KeyExchangeTimer {
  /** To be called whenever data was sent or received; it is cheap. */
  moved(): void;
  /** New keys are in use, no matter which side asked for them. */
  exchanged(): void;
  stop(): void;
}

export function createKeyExchangeTimer(
  transport: PacketTransport,
  limits: KeyExchangeLimits,
): KeyExchangeTimer {
  const timer = setInterval(() => transport.rekey(), limits.ageMs);
  timer.unref();
  let asked = false;
  return {
    moved() {
      if (asked || transport.bytesSinceKeyExchange < limits.bytes) return;
      asked = true;
      transport.rekey();
    },
    exchanged() {
      asked = false;
      timer.refresh();
    },
    stop: () => clearInterval(timer),
  };
}
