// The gateways that this person is signed in at: for each one its account, its API and, once the list is shown, a live
// list of its workspaces.

import { type Event, EventEmitter } from "vscode";
import type { GatewayApi } from "../../agent/client/gateway-api.ts";
import { GatewayFeed } from "../../agent/client/workspaces/gateway-feed.ts";
import type { GatewayView } from "../../agent/client/workspaces/workspace-tree.ts";
import type { Discovery, SharedWithMe, Workspace } from "../../protocol/api.ts";
import type { GatewayUrl } from "../../protocol/values/gateway-url.ts";
import type { AccessToken } from "../../protocol/values/token.ts";
import type { AccountStore } from "./account-store.ts";
import { credentialOf, type StoredAccount } from "./stored-account.ts";

/** A gateway's discovery document changes rarely: when it is installed or configured again. */
const DISCOVERY_AGE_MS = 10 * 60_000;

export class Gateway implements GatewayView {
  readonly account: StoredAccount;
  readonly feed: GatewayFeed;
  readonly #accounts: Pick<AccountStore, "token">;
  #discovery: { readonly at: number; readonly answer: Promise<Discovery> } | undefined;

  constructor(account: StoredAccount, accounts: Pick<AccountStore, "token">, onChange: () => void) {
    this.account = account;
    this.#accounts = accounts;
    this.feed = new GatewayFeed(
      {
        events: async (signal) => (await this.api(signal)).events(),
        workspaces: async (signal) => (await this.api(signal)).workspaces(),
        read: (body, signal) => readEvents(body, signal),
      },
      onChange,
    );
  }

  get gateway(): GatewayUrl {
    return this.account.gateway;
  }

  get state() {
    return this.feed.state;
  }

  get workspaces(): ReadonlyMap<string, Workspace> {
    return this.feed.workspaces;
  }

  get offers(): ReadonlyMap<string, SharedWithMe> {
    return this.feed.offers;
  }

  /** An access token that is valid for a minute at least. @throws CommandError stage `sign-in`, or the network's */
  async token(): Promise<AccessToken> {
    return await this.#accounts.token(this.account);
  }

  async api(signal?: AbortSignal): Promise<GatewayApi> {
    const [{ gatewayApi }, { editorNetwork }] = await Promise.all([
      import("../../agent/client/gateway-api.ts"),
      import("../network.ts"),
    ]);
    const token = await this.token();
    const renewToken = (refused: AccessToken) => this.#accounts.token(this.account, refused);
    const options = { token, renewToken, network: editorNetwork() };
    return gatewayApi(this.gateway, { ...options, ...(signal === undefined ? {} : { signal }) });
  }

  async discovery(): Promise<Discovery> {
    if (this.#discovery === undefined || Date.now() - this.#discovery.at > DISCOVERY_AGE_MS) {
      const answer = this.api().then((api) => api.discovery());
      this.#discovery = { at: Date.now(), answer };
      answer.catch(() => {
        // The callers that wait for it see the failure; the next caller asks again.
        this.#discovery = undefined;
      });
    }
    return await this.#discovery.answer;
  }

  /** The feed's list while it is live, otherwise one that is requested now. */
  async list(signal?: AbortSignal): Promise<readonly Workspace[]> {
    if (this.state.kind === "online") return [...this.workspaces.values()];
    return await (await this.api(signal)).workspaces();
  }

  dispose(): void {
    this.feed.dispose();
  }
}

export class Gateways {
  readonly #accounts: AccountStore;
  readonly #changed = new EventEmitter<Gateway | undefined>();
  readonly #listening: { dispose(): void };
  readonly #gateways = new Map<GatewayUrl, Gateway>();
  #following = false;

  constructor(accounts: AccountStore) {
    this.#accounts = accounts;
    this.#listening = accounts.onDidChange(({ after }) => this.#follow(after));
  }

  /** Fires with the gateway whose list or state changed, or with undefined when gateways were added or removed. */
  get onDidChange(): Event<Gateway | undefined> {
    return this.#changed.event;
  }

  /** The gateways of the accounts that have been loaded so far. */
  get known(): readonly Gateway[] {
    return [...this.#gateways.values()];
  }

  async list(): Promise<readonly Gateway[]> {
    this.#follow(await this.#accounts.list());
    return this.known;
  }

  get(gateway: GatewayUrl): Gateway | undefined {
    return this.#gateways.get(gateway);
  }

  /** Keeps all lists live from now on. */
  async followAll(): Promise<void> {
    this.#following = true;
    for (const gateway of await this.list()) gateway.feed.start();
  }

  retry(): void {
    for (const gateway of this.#gateways.values()) gateway.feed.retry();
  }

  dispose(): void {
    this.#listening.dispose();
    for (const gateway of this.#gateways.values()) gateway.dispose();
    this.#changed.dispose();
  }

  #follow(accounts: readonly StoredAccount[]): void {
    let changed = false;
    for (const [url, gateway] of this.#gateways) {
      const account = accounts.find((one) => one.gateway === url);
      if (account !== undefined && credentialOf(account) === credentialOf(gateway.account)) continue;
      gateway.dispose();
      this.#gateways.delete(url);
      changed = true;
    }
    for (const account of accounts) {
      if (this.#gateways.has(account.gateway)) continue;
      const gateway: Gateway = new Gateway(account, this.#accounts, () => this.#changed.fire(gateway));
      this.#gateways.set(account.gateway, gateway);
      if (this.#following) gateway.feed.start();
      changed = true;
    }
    if (changed) this.#changed.fire(undefined);
  }
}

async function* readEvents(body: AsyncIterable<Uint8Array>, signal: AbortSignal) {
  const { readWorkspaceEvents } = await import("../../agent/client/workspaces/workspace-events.ts");
  yield* readWorkspaceEvents(body, signal);
}
