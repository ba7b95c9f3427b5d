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
import { type StoredAccount, sessionId } from "./stored-account.ts";

const PROVIDER = "sallyport";

/** `signIn` asks the person. A scope, where one is given, is the URL of the gateway to sign in at. */
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
  readonly #listening: Disposable;

  constructor(
    accounts: AccountStore,
    signIn: (gateway: string | undefined) => Promise<StoredAccount | undefined>,
  ) {
    this.#accounts = accounts;
    this.#signIn = signIn;
    this.#listening = accounts.onDidChange((change) => this.#changed.fire(difference(change)));
  }

  get onDidChangeSessions(): Event<AuthenticationProviderAuthenticationSessionsChangeEvent> {
    return this.#changed.event;
  }

  async getSessions(scopes?: readonly string[]): Promise<AuthenticationSession[]> {
    const accounts = await this.#accounts.list();
    const wanted = scopes ?? [];
    return accounts
      .filter(({ gateway }) => wanted.length === 0 || wanted.includes(gateway))
      .map((account) => toSession(account));
  }

  async createSession(scopes: readonly string[]): Promise<AuthenticationSession> {
    const account = await this.#signIn(scopes[0]);
    if (account === undefined) throw new CancellationError();
    return toSession(account);
  }

  async removeSession(id: string): Promise<void> {
    const account = (await this.#accounts.list()).find((one) => sessionId(one) === id);
    if (account !== undefined) await this.#accounts.remove(account.gateway);
  }

  dispose(): void {
    this.#listening.dispose();
    this.#changed.dispose();
  }
}

function toSession(account: StoredAccount): AuthenticationSession {
  const id = sessionId(account);
  const label = `${account.account} (${gatewayLabel(account.gateway)})`;
  return { id, accessToken: account.token, account: { id, label }, scopes: [account.gateway] };
}

function difference({
  before,
  after,
}: AccountsChange): AuthenticationProviderAuthenticationSessionsChangeEvent {
  const ids = (accounts: readonly StoredAccount[]) => new Set(accounts.map((account) => sessionId(account)));
  const [old, now] = [ids(before), ids(after)];
  const tokenOf = new Map(before.map((account) => [sessionId(account), account.token]));
  return {
    added: after.filter((account) => !old.has(sessionId(account))).map(toSession),
    removed: before.filter((account) => !now.has(sessionId(account))).map(toSession),
    changed: after
      .filter((account) => old.has(sessionId(account)) && tokenOf.get(sessionId(account)) !== account.token)
      .map(toSession),
  };
}
