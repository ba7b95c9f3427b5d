// Held host keys: a host registers under a workspace's name with a different key than the workspace has.
// The key waits until the owner accepts or declines it (host-key-decisions.ts). Clients continue to see the
// key that they know, and the host may try again. This file maps held keys to the database's columns.

import { type Static, Type } from "typebox";
import { Check } from "typebox/value";
import { parsePublicKey } from "../../../protocol/values/ssh-public-key.ts";
import type { HeldHostKey } from "../../directory.ts";

/** Per workspace. A newer key replaces the oldest. The owner decides by fingerprint, so nothing is lost. */
const MAX_HELD = 8;

const Held = Type.Array(
  Type.Object({
    fingerprint: Type.String(),
    publicKey: Type.String(),
    since: Type.String(),
    address: Type.String(),
    declined: Type.Boolean(),
  }),
);

/** @param text the column `host_keys`. @returns authorized_keys lines */
export function parseHostKeys(text: string): string[] {
  const value: unknown = JSON.parse(text);
  return Array.isArray(value) ? value.filter((key) => typeof key === "string") : [];
}

/** @param text the column `held_host_keys`. What this version does not understand counts as an empty list. */
export function parseHeld(text: string): Static<typeof Held> {
  const value: unknown = JSON.parse(text);
  return Check(Held, value) ? value : [];
}

/** The list with this key added; undefined: the key was in it before. */
export function withHeld(held: readonly HeldHostKey[], key: HeldHostKey): HeldHostKey[] | undefined {
  if (held.some((other) => other.fingerprint === key.fingerprint)) return undefined;
  return [...held, key].slice(-MAX_HELD);
}

export function fingerprintOf(line: string | undefined): string {
  return line === undefined ? "none" : parsePublicKey(line).fingerprint;
}
