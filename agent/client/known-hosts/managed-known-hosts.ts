// The text of ~/.ssh/sallyport/known_hosts: for each alias of the managed config the keys that its gateway published. Pure.

import type { SshPublicKey } from "../../../protocol/values/ssh-public-key.ts";
import { keysFor } from "./known-hosts-lines.ts";

export type PublishedKeys = ReadonlyMap<string, readonly SshPublicKey[]>;

/** Exactly `keys` for their aliases, what stands there for the other `aliases`, and nothing else. */
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
 * Of a workspace's published keys those that are pinned, where there are such: the gateway passes the keys on, and could put
 * one of its own beside the host's. Where none is, all of them: a person is asked (`changedKeys`).
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

/** Aliases none of whose pinned keys would stay: the host is a new one, or somebody stands in its place. A person should know. */
export function changedKeys(text: string, keys: PublishedKeys): ChangedKeys[] {
  return [...keys].flatMap(([alias, after]) => {
    const before = keysFor(text, [alias]);
    const replaced = before.length > 0 && !before.some(({ blob }) => after.some((key) => key.blob === blob));
    return replaced ? [{ alias, before, after }] : [];
  });
}
