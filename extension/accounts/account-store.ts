// The accounts of this person, in VS Code's secret storage, which all windows share. The companion cannot read that
// storage, since ssh starts it; it gets a copy of the token in the system's keychain or in a private file.

import { type Event, EventEmitter, type SecretStorage } from "vscode";
import type { Log } from "../../agent/platform/log.ts";
import type { GatewayUrl } from "../../protocol/values/gateway-url.ts";
import {
  formatStoredAccounts,
  parseStoredAccounts,
  type StoredAccount,
  withAccount,
} from "./stored-account.ts";

const KEY = "sallyport.accounts";

export interface AccountsChange {
  readonly before: readonly StoredAccount[];
  readonly after: readonly StoredAccount[];
}

export class AccountStore {
  readonly #secrets: SecretStorage;
  readonly #log: Log;
  readonly #changed = new EventEmitter<AccountsChange>();
  readonly #listening: { dispose(): void };
  #accounts: readonly StoredAccount[] = [];
  #loaded: Promise<void> | undefined;

  constructor(secrets: SecretStorage, log: Log) {
    this.#secrets = secrets;
    this.#log = log;
    this.#listening = secrets.onDidChange(({ key }) => {
      if (key === KEY && this.#loaded !== undefined) void this.#read();
    });
  }

  get onDidChange(): Event<AccountsChange> {
    return this.#changed.event;
  }

  /** The accounts that have been loaded so far. */
  get known(): readonly StoredAccount[] {
    return this.#accounts;
  }

  async list(): Promise<readonly StoredAccount[]> {
    this.#loaded ??= this.#read();
    await this.#loaded;
    return this.#accounts;
  }

  async find(gateway: GatewayUrl): Promise<StoredAccount | undefined> {
    return (await this.list()).find((account) => account.gateway === gateway);
  }

  /** Adds or replaces the account. Returns where the companion finds its copy of the token. */
  async add(account: StoredAccount): Promise<"keychain" | "file" | "nowhere"> {
    await this.#write(withAccount(await this.list(), account));
    return await this.#copyForCompanion(account);
  }

  /**
   * Writes the companion's copy again, before a program needs it: the person may have signed out on the command line.
   */
  async refreshCopy(account: StoredAccount): Promise<void> {
    await this.#copyForCompanion(account);
  }

  async remove(gateway: GatewayUrl): Promise<void> {
    const accounts = await this.list();
    await this.#write(accounts.filter((account) => account.gateway !== gateway));
    const { forgetAccessToken } = await import("../../agent/platform/credentials/store.ts");
    try {
      await forgetAccessToken(gateway, { env: process.env });
    } catch (error) {
      this.#log.warn(`The companion's copy of the token could not be removed: ${messageOf(error)}`);
    }
  }

  dispose(): void {
    this.#listening.dispose();
    this.#changed.dispose();
  }

  async #copyForCompanion({ gateway, account, token, allowPlainHttp }: StoredAccount) {
    const { saveAccessToken } = await import("../../agent/platform/credentials/store.ts");
    try {
      const facts = { account, allowPlainHttp };
      const saved = await saveAccessToken(gateway, token, facts, { env: process.env });
      this.#log.info(
        saved.tokenIn === "keychain"
          ? "The companion finds the token in the system's keychain."
          : `The companion finds the token in ${saved.path} (${saved.why}).`,
      );
      return saved.tokenIn;
    } catch (error) {
      this.#log.error(`The companion cannot be given the token: ${messageOf(error)}`);
      return "nowhere";
    }
  }

  async #read(): Promise<void> {
    this.#become(parseStoredAccounts(await this.#secrets.get(KEY)));
  }

  async #write(accounts: readonly StoredAccount[]): Promise<void> {
    await this.#secrets.store(KEY, formatStoredAccounts(accounts));
    this.#loaded = Promise.resolve();
    this.#become(accounts);
  }

  #become(after: readonly StoredAccount[]): void {
    const before = this.#accounts;
    if (formatStoredAccounts(before) === formatStoredAccounts(after)) return;
    this.#accounts = after;
    this.#changed.fire({ before, after });
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
