// The text of ~/.ssh/sallyport/known_hosts, the known_hosts file of the managed SSH config: the keys that gateways published, by
// alias. Pure.

import type { SshPublicKey } from "../../../protocol/values/ssh-public-key.ts";
import { keysFor } from "./known-hosts-lines.ts";

export type PublishedKeys = ReadonlyMap<string, readonly SshPublicKey[]>;

/** `text` with exactly `keys` for their aliases, with its lines for the other `aliases`, and nothing else. */
export function withPublishedKeys(text: string, aliases: readonly string[], keys: PublishedKeys): string {
  const wanted = new Set(aliases);
  const kept = text.split(/\r?\n/).filter((line) => {
    const alias = line.split(" ", 1)[0] ?? "";
    return wanted.has(alias) && !keys.has(alias);
  });
  const published = [...keys].flatMap(([alias, own]) =>
    own.map(({ type, blob }) => `${alias} ${type} ${blob}`),
  );
  return [...kept, ...published]
    .toSorted()
    .map((line) => `${line}\n`)
    .join("");
}

/**
 * The published keys that are pinned already, if there are any: the gateway passes the keys on, and could add one of its own to
 * the host's. Otherwise all published keys; if others were pinned, `changedKeys` reports it and a person is asked.
 */
export function pinnedIfAny(
  text: string,
  alias: string,
  published: readonly SshPublicKey[],
): readonly SshPublicKey[] {
  const pinned = keysFor(text, [alias]);
  const known = published.filter(({ blob }) => pinned.some((key) => key.blob === blob));
  return known.length > 0 ? known : published;
}

export interface ChangedKeys {
  readonly alias: string;
  readonly before: readonly SshPublicKey[];
  readonly after: readonly SshPublicKey[];
}

/** Aliases for which none of the pinned keys would stay: the host was set up again, or somebody is impersonating it. */
export function changedKeys(text: string, keys: PublishedKeys): ChangedKeys[] {
  return [...keys].flatMap(([alias, after]) => {
    const before = keysFor(text, [alias]);
    const replaced = before.length > 0 && !before.some(({ blob }) => after.some((key) => key.blob === blob));
    return replaced ? [{ alias, before, after }] : [];
  });
}
