// Selects the public keys that a host is sent: as many as fit in one control message.

import type { PushedKey } from "../../protocol/control.ts";
import { MAX_CONTROL_BYTES, MAX_PUSHED_KEYS } from "../../protocol/limits.ts";

/** The other fields of `registered` fit into the rest. */
const KEYS_BYTES = MAX_CONTROL_BYTES - 16 * 1024;

/** The first keys, each once, up to the bounds of one control message. */
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
