// What `sallyport gateway host-keys` shows of the gateway's host keys.

import { parsePublicKey } from "../../protocol/values/ssh-public-key.ts";
import type { HostKeyReport } from "./host-key-rotation.ts";
import type { HostKeySet } from "./host-keys.ts";

/** What `gateway host-keys` did. */
export type HostKeysAction = "show" | "rotate" | "activate" | "forget";

interface ShownKey {
  readonly publicKey: string;
  readonly fingerprint: string;
}

/** For `--json`. */
export function hostKeyReport({ state, keys }: HostKeyReport): {
  active: ShownKey[];
  next: ShownKey[];
  nextSince: string | null;
  former: ShownKey[];
} {
  return {
    active: shown(keys),
    next: shown(keys.next),
    nextSince: state.nextSince,
    former: shown(keys.former),
  };
}

export function hostKeyText(report: HostKeyReport, action: HostKeysAction): string {
  const { active, next, nextSince, former } = hostKeyReport(report);
  const lines = (title: string, keys: readonly ShownKey[]): string[] =>
    keys.map(({ publicKey, fingerprint }) => `${title}  ${fingerprint}  ${publicKey.split(" ", 1)[0]}`);
  const advice = {
    show: [],
    rotate: [
      "Restart the gateway. Clients then learn the next keys when they connect. Give them some weeks, then run",
      "`sallyport gateway host-keys rotate --activate`. Clients that have not connected by then have to pin the keys again:",
      "`sallyport known-hosts`.",
    ],
    activate: ["Restart the gateway. It then serves the new keys."],
    forget: ["Restart the gateway. Clients then forget the former keys when they connect."],
  }[action];
  return [
    ...lines("active", active),
    ...lines(`next (since ${nextSince ?? "?"})`, next),
    ...lines("former", former),
    ...advice,
    "",
  ].join("\n");
}

function shown(set: HostKeySet | null): ShownKey[] {
  return (set?.publicKeys ?? []).map((publicKey) => ({
    publicKey,
    fingerprint: parsePublicKey(publicKey).fingerprint,
  }));
}
