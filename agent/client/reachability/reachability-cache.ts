// Remembers the results of probes of SSH ports for five minutes, per network: in memory, and in a small file that other windows
// read. If it is lost, the port is probed again.

import { join } from "node:path";
import { type Static, Type } from "typebox";
import { Check } from "typebox/value";
import { CommandError } from "../../platform/command-error.ts";
import { readPrivateFile, writePrivateFile } from "../../platform/files/private-file.ts";
import { currentNetwork } from "./network-fingerprint.ts";
import { type Probe, type ProbeOptions, probeSsh, type SshAddress } from "./reachability.ts";

export const MAX_AGE_MS = 5 * 60_000;
const MAX_ENTRIES = 100;

const ProbeSchema = Type.Union([
  Type.Object({ kind: Type.Literal("open"), ms: Type.Number(), banner: Type.String({ maxLength: 255 }) }),
  Type.Object({
    kind: Type.Literal("blocked"),
    how: Type.Union([
      Type.Literal("refused"),
      Type.Literal("dropped"),
      Type.Literal("silent"),
      Type.Literal("not-ssh"),
      Type.Literal("dns"),
    ]),
    ms: Type.Number(),
  }),
]);
const Entry = Type.Object({
  network: Type.String({ maxLength: 64 }),
  host: Type.String({ maxLength: 300 }),
  port: Type.Integer(),
  /** Milliseconds since 1970. */
  at: Type.Number(),
  probe: ProbeSchema,
});
type Entry = Static<typeof Entry>;
const CacheFile = Type.Object({
  version: Type.Literal(1),
  entries: Type.Array(Entry, { maxItems: MAX_ENTRIES }),
});

export interface CacheOptions {
  /** Sallyport's cache directory; undefined: memory only. */
  readonly directory: string | undefined;
  readonly now?: () => number;
  readonly network?: () => string;
  readonly probe?: (address: SshAddress, options: ProbeOptions) => Promise<Probe>;
}

export interface AskOptions extends ProbeOptions {
  /** Always probe, for example after a reconnect has failed. */
  readonly fresh?: boolean;
}

export type Reachability = Probe & { readonly cached: boolean };

export class ReachabilityCache {
  readonly #options: CacheOptions;
  #entries: readonly Entry[] = [];
  /** Probes that are running: simultaneous questions share one. */
  readonly #running = new Map<string, Promise<Probe>>();

  constructor(options: CacheOptions) {
    this.#options = options;
  }

  /** @throws the signal's reason when it is aborted */
  async ask(address: SshAddress, options: AskOptions = {}): Promise<Reachability> {
    const network = (this.#options.network ?? currentNetwork)();
    const known = options.fresh === true ? undefined : this.#find(network, address);
    if (known !== undefined) return { ...known, cached: true };
    const key = `${network} ${address.host} ${address.port}`;
    const running = options.signal === undefined ? this.#running.get(key) : undefined;
    const probing = running ?? this.#probe(network, address, options);
    if (options.signal === undefined) this.#running.set(key, probing);
    try {
      return { ...(await probing), cached: false };
    } finally {
      if (this.#running.get(key) === probing) this.#running.delete(key);
    }
  }

  async #probe(network: string, address: SshAddress, options: AskOptions): Promise<Probe> {
    const probe = await (this.#options.probe ?? probeSsh)(address, options);
    this.#remember({ network, host: address.host, port: address.port, at: this.#now(), probe });
    return probe;
  }

  #find(network: string, { host, port }: SshAddress): Probe | undefined {
    const now = this.#now();
    const all = [...this.#entries, ...this.#read()].filter((entry) => isFresh(entry, now));
    return all
      .filter((entry) => entry.network === network && entry.host === host && entry.port === port)
      .toSorted((a, b) => b.at - a.at)[0]?.probe;
  }

  #remember(entry: Entry): void {
    const now = this.#now();
    const others = [...this.#entries, ...this.#read()].filter(
      (other) => isFresh(other, now) && !isSamePlace(other, entry),
    );
    const newest = others
      .toSorted((a, b) => b.at - a.at)
      .filter((other, index, all) => all.findIndex((one) => isSamePlace(one, other)) === index);
    this.#entries = [entry, ...newest].slice(0, MAX_ENTRIES);
    const path = this.#path();
    if (path === undefined) return;
    try {
      writePrivateFile(path, `${JSON.stringify({ version: 1, entries: this.#entries })}\n`);
    } catch (error) {
      // A full or read-only disk: this window remembers, other windows probe for themselves.
      if (!(error instanceof CommandError)) throw error;
    }
  }

  #read(): readonly Entry[] {
    const path = this.#path();
    if (path === undefined) return [];
    try {
      const value: unknown = JSON.parse(readPrivateFile(path) ?? "null");
      return Check(CacheFile, value) ? value.entries : [];
    } catch (error) {
      // Unreadable, or not ours: counts as empty, and the next probe replaces it.
      if (error instanceof CommandError || error instanceof SyntaxError) return [];
      throw error;
    }
  }

  #path(): string | undefined {
    const { directory } = this.#options;
    return directory === undefined ? undefined : join(directory, "reachability.json");
  }

  #now(): number {
    return (this.#options.now ?? Date.now)();
  }
}

/** After the clock was set back, entries lie in the future: they do not count either. */
function isFresh({ at }: Entry, now: number): boolean {
  return at <= now && now - at < MAX_AGE_MS;
}

function isSamePlace(a: Entry, b: Entry): boolean {
  return a.network === b.network && a.host === b.host && a.port === b.port;
}
