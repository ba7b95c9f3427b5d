// The keys that a host is told of in one message.

import type { PushedKey } from "../../protocol/control.ts";
import { MAX_CONTROL_BYTES, MAX_PUSHED_KEYS } from "../../protocol/limits.ts";

/** What goes with them in `registered` fits into the rest. */
const KEYS_BYTES = MAX_CONTROL_BYTES - 16 * 1024;

/** As many of the first keys as one control message takes, each key once. */
export function fittingKeys(keys: readonly PushedKey[]): PushedKey[] {
  const chosen = new Map<string, PushedKey>();
  let bytes = 0;
  for (const key of keys) {
    if (chosen.has(key.publicKey)) continue;
    bytes += JSON.stringify(key).length + 1;
    if (chosen.size === MAX_PUSHED_KEYS || bytes > KEYS_BYTES) break;
    chosen.set(key.publicKey, key);
  }
  return [...chosen.values()];
}
