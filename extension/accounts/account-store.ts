// The accounts of this person, in VS Code's secret storage, which all windows share. The companion cannot read that
// storage, since ssh starts it: credentials that it needs are in the agent's store (account-credentials.ts).

import { type Event, EventEmitter, type SecretStorage } from "vscode";
import { isFresh } from "../../agent/platform/credentials/credential.ts";
import type { Granted } from "../../agent/platform/credentials/token-endpoint.ts";
import type { Log } from "../../agent/platform/log.ts";
import type { GatewayUrl } from "../../protocol/values/gateway-url.ts";
import type { AccessToken } from "../../protocol/values/token.ts";
import type { CurrentToken } from "./account-credentials.ts";
import {
  credentialOf,
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
  readonly #renewed = new EventEmitter<StoredAccount>();
  readonly #listening: { dispose(): void };
  /** Access tokens of sign-ins, by credential. */
  readonly #current = new Map<string, CurrentToken>();
  readonly #asking = new Map<string, Promise<CurrentToken>>();
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

  /** Fires when this window has a newer access token of an account. */
  get onDidRenew(): Event<StoredAccount> {
    return this.#renewed.event;
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

  /** Adds or replaces the account of a pasted token. Returns where the companion finds its copy of the token. */
  async add(account: StoredAccount): Promise<"keychain" | "file" | "nowhere"> {
    await this.#write(withAccount(await this.list(), account));
    return await this.#copyForCompanion(account);
  }

  /** The same for a sign-in, which is kept nowhere else. @throws CommandError stage `file`: it cannot be kept */
  async addSignIn(
    gateway: GatewayUrl,
    granted: Granted,
    allowPlainHttp: boolean,
  ): Promise<{ readonly account: StoredAccount; readonly keptIn: "keychain" | "file" }> {
    const { keepSignIn } = await import("./account-credentials.ts");
    const { tokenIn } = await keepSignIn(gateway, granted, allowPlainHttp);
    const { access, renewal } = granted.credential;
    const { account: name, scopes } = granted;
    const account: StoredAccount = { gateway, account: name, allowPlainHttp, scopes, signIn: renewal.signIn };
    this.#current.set(renewal.signIn, { token: access, accessExpiresAt: renewal.accessExpiresAt });
    await this.#write(withAccount(await this.list(), account));
    return { account, keptIn: tokenIn };
  }

  /**
   * An access token that is valid for a minute at least.
   * @param refused one that the gateway did not take: it is replaced whatever its expiry says
   * @throws CommandError stage `sign-in`, or the network's
   */
  async token(account: StoredAccount, refused?: AccessToken): Promise<AccessToken> {
    if ("token" in account) return account.token;
    const current = this.#current.get(account.signIn);
    if (current !== undefined && isFresh(current) && current.token !== refused) return current.token;
    // Several callers in this window need one answer; other windows wait for the store's lock.
    let asking = this.#asking.get(account.signIn);
    if (asking === undefined) {
      asking = this.#ask(account, refused).finally(() => this.#asking.delete(account.signIn));
      this.#asking.set(account.signIn, asking);
    }
    return (await asking).token;
  }

  /** The access token without the network: undefined where the store does not give one. It may have expired. */
  async tokenAsItIs(account: StoredAccount): Promise<AccessToken | undefined> {
    if ("token" in account) return account.token;
    let current = this.#current.get(account.signIn);
    if (current === undefined) {
      const { storedToken } = await import("./account-credentials.ts");
      current = await storedToken(account);
      if (current !== undefined) this.#current.set(account.signIn, current);
    }
    return current?.token;
  }

  /**
   * Writes the companion's copy of a pasted token again, before a program needs it: the person may have signed out on
   * the command line.
   */
  async refreshCopy(account: StoredAccount): Promise<void> {
    if (!("token" in account)) return;
    const { hasCredential } = await import("./account-credentials.ts");
    if (!(await hasCredential(account))) await this.#copyForCompanion(account);
  }

  /** Signs out. Returns why the gateway could not be told that the sign-in is over, if it could not. */
  async remove(gateway: GatewayUrl): Promise<string | undefined> {
    const { endAtGateway, forget } = await import("./account-credentials.ts");
    let notTold: string | undefined;
    try {
      await endAtGateway(gateway);
    } catch (error) {
      notTold = messageOf(error);
      this.#log.warn(`The gateway could not be told about the sign-out: ${notTold}`);
    }
    await this.#write((await this.list()).filter((one) => one.gateway !== gateway));
    try {
      await forget(gateway);
    } catch (error) {
      this.#log.warn(`The companion's credential could not be removed: ${messageOf(error)}`);
    }
    return notTold;
  }

  dispose(): void {
    this.#listening.dispose();
    this.#changed.dispose();
    this.#renewed.dispose();
  }

  async #ask(account: StoredAccount, refused: AccessToken | undefined): Promise<CurrentToken> {
    const { currentToken } = await import("./account-credentials.ts");
    const current = await currentToken(account, refused);
    const before = this.#current.get(credentialOf(account));
    this.#current.set(credentialOf(account), current);
    if (before?.token !== current.token) this.#renewed.fire(account);
    return current;
  }

  async #copyForCompanion(account: StoredAccount) {
    if (!("token" in account)) return "nowhere";
    const { keepCopy } = await import("./account-credentials.ts");
    try {
      const saved = await keepCopy(account.gateway, account.token, account);
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
