// The keys that the host lets in: those in its own authorized_keys files, which it watches, and those of the accounts that
// may reach the workspace, which the gateway pushes. Changes take effect within a second, for live connections too.

import { stat } from "node:fs/promises";
import type { PushedKey } from "../../../../protocol/control.ts";
import { ProtocolError } from "../../../../protocol/errors.ts";
import { parsePublicKey } from "../../../../protocol/values/ssh-public-key.ts";
import { systemCode } from "../../../platform/files/private-file.ts";
import type { Log } from "../../../platform/log.ts";
import { type KeyProblem, type KeysFile, readKeysFile } from "./authorized-keys-file.ts";
import { ALL_PERMISSIONS, type KeyGrant, type OfferedKey } from "./key-grant.ts";
import { isRuleMet } from "./key-options.ts";
import { modesAbove } from "./strict-modes.ts";

/** What the SSH server asks about keys. */
export interface KeyAuthority {
  /** What a key may do when its client connects from `address`; undefined: the key is not allowed. */
  allowed(key: OfferedKey, address: string): KeyGrant | undefined;
  /** Calls back whenever the answers of `allowed` may have changed. Returns a function that ends this. */
  onChange(listener: () => void): () => void;
}

/**
 * Files are polled: that notices changes of replaced, missing and network files alike. `watchFile` would not do: it records
 * the state that it compares with at a moment of its own, and misses a change between our first read and that moment.
 */
const POLL_MS = 300;

export class AllowedKeys implements KeyAuthority {
  readonly #log: Log;
  readonly #files = new Map<string, KeysFile>();
  /** The timer of each file's next look; undefined while the file is being looked at. */
  readonly #looks = new Map<string, NodeJS.Timeout | undefined>();
  readonly #listeners = new Set<() => void>();
  #pushed: ReadonlyMap<string, KeyGrant> = new Map();

  /** Reads the files and watches them; missing ones may come later. */
  static async open(options: { files: readonly string[]; log: Log }): Promise<AllowedKeys> {
    const keys = new AllowedKeys(options.log);
    await Promise.all(options.files.map((file) => keys.#watch(file)));
    return keys;
  }

  private constructor(log: Log) {
    this.#log = log;
  }

  /** What is wrong in the files as they are now. */
  get problems(): readonly KeyProblem[] {
    return [...this.#files.values()].flatMap(({ problems }) => problems);
  }

  /**
   * A key in the host's own files is governed by them alone: pushing it as an account's key does not lift its options there.
   * A line with an option that is not supported keeps its key out.
   */
  allowed(key: OfferedKey, address: string): KeyGrant | undefined {
    const blob = key.blob.toString("base64");
    const entries = [...this.#files.values()].flatMap((file) => file.entries.get(blob) ?? []);
    if (entries.length === 0) return this.#pushed.get(blob);
    if (entries.some(({ rule }) => rule === undefined)) return undefined;
    const now = Date.now();
    for (const { rule, fingerprint } of entries) {
      if (rule !== undefined && isRuleMet(rule, address, now)) {
        return { account: null, fingerprint, permissions: rule.permissions };
      }
    }
    return undefined;
  }

  /** Replaces what the gateway pushed before. */
  setPushed(keys: readonly PushedKey[]): void {
    const pushed = new Map<string, KeyGrant>();
    for (const { publicKey, account } of keys) {
      try {
        const key = parsePublicKey(publicKey);
        if (key.options !== "") throw new ProtocolError("bad_key", "A pushed key must have no options.");
        pushed.set(key.blob, { account, fingerprint: key.fingerprint, permissions: ALL_PERMISSIONS });
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error;
        this.#log.warn(`a key of ${account} is not used: ${error.message}`);
      }
    }
    this.#pushed = pushed;
    this.#changed();
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): void {
    for (const timer of this.#looks.values()) clearTimeout(timer);
    this.#looks.clear();
    this.#listeners.clear();
  }

  async #watch(file: string): Promise<void> {
    if (this.#looks.has(file)) return;
    this.#looks.set(file, undefined);
    await this.#look(file, undefined);
  }

  /** Reads the file unless its state is still `before`, then plans the next look. */
  async #look(file: string, before: string | undefined): Promise<void> {
    // Taken before the file is read: a change in between is seen at the next look.
    const state = await stateOf(file);
    if (state !== before) await this.#read(file);
    if (!this.#looks.has(file)) return;
    this.#looks.set(file, setTimeout(() => void this.#look(file, state), POLL_MS).unref());
  }

  async #read(file: string): Promise<void> {
    const before = this.#files.get(file);
    const next = await readKeysFile(file, before !== undefined);
    if (!this.#looks.has(file)) return;
    this.#files.set(file, next);
    for (const { line, message } of next.problems) {
      this.#log.warn(`${file}${line === undefined ? "" : `:${line}`}: ${message}`);
    }
    if (before !== undefined || next.entries.size > 0) {
      this.#log.info(`${file}: ${next.entries.size} ${next.entries.size === 1 ? "key" : "keys"}`);
    }
    this.#changed();
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }
}

/** A text that differs once the file or its mode, or the mode of a directory above it, has changed. */
async function stateOf(file: string): Promise<string> {
  try {
    const { dev, ino, mode, size, mtimeNs, ctimeNs } = await stat(file, { bigint: true });
    return [dev, ino, mode, size, mtimeNs, ctimeNs, await modesAbove(file)].join();
  } catch (error) {
    return systemCode(error);
  }
}
