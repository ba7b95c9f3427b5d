// The gateways that this person is signed in at: for each one its account, its API, and, once somebody looks, a live list of
// its workspaces.

import { type Event, EventEmitter } from "vscode";
import type { GatewayApi } from "../../agent/client/gateway-api.ts";
import { GatewayFeed } from "../../agent/client/workspaces/gateway-feed.ts";
import type { GatewayView } from "../../agent/client/workspaces/workspace-tree.ts";
import type { Discovery, SharedWithMe, Workspace } from "../../protocol/api.ts";
import type { GatewayUrl } from "../../protocol/values/gateway-url.ts";
import type { AccountStore } from "./account-store.ts";
import type { StoredAccount } from "./stored-account.ts";

/** What a gateway says before sign-in changes when it is installed anew. */
const DISCOVERY_AGE_MS = 10 * 60_000;

export class Gateway implements GatewayView {
  readonly account: StoredAccount;
  readonly feed: GatewayFeed;
  #discovery: { readonly at: number; readonly answer: Promise<Discovery> } | undefined;

  constructor(account: StoredAccount, onChange: () => void) {
    this.account = account;
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

  async api(signal?: AbortSignal): Promise<GatewayApi> {
    const [{ gatewayApi }, { editorNetwork }] = await Promise.all([
      import("../../agent/client/gateway-api.ts"),
      import("../network.ts"),
    ]);
    const { token } = this.account;
    const network = editorNetwork();
    return gatewayApi(this.gateway, { token, network, ...(signal === undefined ? {} : { signal }) });
  }

  async discovery(): Promise<Discovery> {
    if (this.#discovery === undefined || Date.now() - this.#discovery.at > DISCOVERY_AGE_MS) {
      const answer = this.api().then((api) => api.discovery());
      this.#discovery = { at: Date.now(), answer };
      answer.catch(() => {
        // Whoever waits for it hears of the failure; the next one asks again.
        this.#discovery = undefined;
      });
    }
    return await this.#discovery.answer;
  }

  /** The list as the feed has it, or asked for now. */
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

  /** With the gateway whose list or state has changed; undefined: gateways came or went. */
  get onDidChange(): Event<Gateway | undefined> {
    return this.#changed.event;
  }

  /** As far as they are known. */
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

  /** From now on all lists are live. */
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
      if (account?.token === gateway.account.token) continue;
      gateway.dispose();
      this.#gateways.delete(url);
      changed = true;
    }
    for (const account of accounts) {
      if (this.#gateways.has(account.gateway)) continue;
      const gateway: Gateway = new Gateway(account, () => this.#changed.fire(gateway));
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
