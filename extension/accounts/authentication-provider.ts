// Offers Sallyport's accounts to VS Code: they appear in the Accounts menu, one per gateway, where one can sign out.

import {
  type AuthenticationProvider,
  type AuthenticationProviderAuthenticationSessionsChangeEvent,
  type AuthenticationSession,
  authentication,
  CancellationError,
  type Disposable,
  type Event,
  EventEmitter,
} from "vscode";
import { gatewayLabel } from "../../agent/client/workspaces/workspace-list.ts";
import type { AccountStore, AccountsChange } from "./account-store.ts";
import { covers, credentialOf, type StoredAccount, sessionId } from "./stored-account.ts";

const PROVIDER = "sallyport";

/**
 * `signIn` asks the person. Scopes are the URL of a gateway, and what one wants to do there (`connect`). A session that may do
 * more covers them.
 */
export function registerAuthenticationProvider(
  accounts: AccountStore,
  signIn: (gateway: string | undefined) => Promise<StoredAccount | undefined>,
): Disposable {
  const provider = new SallyportAuthentication(accounts, signIn);
  const registration = authentication.registerAuthenticationProvider(PROVIDER, "Sallyport", provider, {
    supportsMultipleAccounts: true,
  });
  return {
    dispose: () => {
      registration.dispose();
      provider.dispose();
    },
  };
}

class SallyportAuthentication implements AuthenticationProvider {
  readonly #accounts: AccountStore;
  readonly #signIn: (gateway: string | undefined) => Promise<StoredAccount | undefined>;
  readonly #changed = new EventEmitter<AuthenticationProviderAuthenticationSessionsChangeEvent>();
  readonly #listening: readonly Disposable[];

  constructor(
    accounts: AccountStore,
    signIn: (gateway: string | undefined) => Promise<StoredAccount | undefined>,
  ) {
    this.#accounts = accounts;
    this.#signIn = signIn;
    this.#listening = [
      accounts.onDidChange((change) => void this.#tell(change)),
      accounts.onDidRenew((account) => void this.#tell({ before: [], after: [] }, [account])),
    ];
  }

  get onDidChangeSessions(): Event<AuthenticationProviderAuthenticationSessionsChangeEvent> {
    return this.#changed.event;
  }

  /** Without the network, and without a question. A token that is about to expire is renewed behind it. */
  async getSessions(scopes: readonly string[] = []): Promise<AuthenticationSession[]> {
    const accounts = (await this.#accounts.list()).filter((account) => covers(account, scopes));
    for (const account of accounts) this.#accounts.token(account).catch(() => {}); // The views show why.
    return await Promise.all(accounts.map((account) => this.#toSession(account)));
  }

  async createSession(scopes: readonly string[]): Promise<AuthenticationSession> {
    const account = await this.#signIn(scopes.find((scope) => scope.includes(":")));
    if (account === undefined) throw new CancellationError();
    return await this.#toSession(account);
  }

  async removeSession(id: string): Promise<void> {
    const account = (await this.#accounts.list()).find((one) => sessionId(one) === id);
    if (account !== undefined) await this.#accounts.remove(account.gateway);
  }

  dispose(): void {
    for (const listening of this.#listening) listening.dispose();
    this.#changed.dispose();
  }

  async #tell(change: AccountsChange, renewed: readonly StoredAccount[] = []): Promise<void> {
    const { added, removed, changed } = difference(change);
    const sessions = (accounts: readonly StoredAccount[]) =>
      Promise.all(accounts.map((account) => this.#toSession(account)));
    this.#changed.fire({
      added: await sessions(added),
      removed: await sessions(removed),
      changed: await sessions([...changed, ...renewed]),
    });
  }

  async #toSession(account: StoredAccount): Promise<AuthenticationSession> {
    const id = sessionId(account);
    const label = `${account.account} (${gatewayLabel(account.gateway)})`;
    const accessToken = (await this.#accounts.tokenAsItIs(account)) ?? "";
    return { id, accessToken, account: { id, label }, scopes: [account.gateway, ...account.scopes] };
  }
}

function difference({ before, after }: AccountsChange) {
  const ids = (accounts: readonly StoredAccount[]) => new Set(accounts.map((account) => sessionId(account)));
  const [old, now] = [ids(before), ids(after)];
  const credentials = new Map(before.map((account) => [sessionId(account), credentialOf(account)]));
  return {
    added: after.filter((account) => !old.has(sessionId(account))),
    removed: before.filter((account) => !now.has(sessionId(account))),
    changed: after.filter(
      (account) =>
        old.has(sessionId(account)) && credentials.get(sessionId(account)) !== credentialOf(account),
    ),
  };
}
