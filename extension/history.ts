// What Sallyport remembers about this person's use, in VS Code's state: when a workspace was last used, which folders
// were open there, and which questions not to ask again. It holds no secrets; of browser addresses it keeps only the
// origin.

import type { Memento } from "vscode";
import { withRecentFolder } from "../agent/client/connect/hand-off-target.ts";
import { type LastUse, workspaceKey } from "../agent/client/workspaces/workspace-list.ts";
import type { GatewayUrl } from "../protocol/values/gateway-url.ts";

const LAST_USE = "sallyport.lastUse";
const FOLDERS = "sallyport.folders";
const BROWSER_ORIGINS = "sallyport.browserOrigins";
const AGREED = "sallyport.agreedShares";
const OWNER_TOKEN_GATEWAYS = "sallyport.ownerTokenGateways";
const NOTICED_NETWORKS = "sallyport.noticedNetworks";
const LEFT_NOTICE = "sallyport.leftNotice";
const UPDATE_CHECKS = "sallyport.updateChecks";
const DECLINED_UPDATE = "sallyport.declinedUpdate";
const INSTALLED_UPDATE = "sallyport.installedUpdate";
const MAX_ENTRIES = 1_000;
const MAX_NETWORKS = 50;

export class History {
  readonly #state: Memento;

  constructor(state: Memento) {
    this.#state = state;
  }

  get lastUse(): LastUse {
    return new Map(Object.entries(this.#state.get<Record<string, number>>(LAST_USE, {})));
  }

  async used(gateway: GatewayUrl, id: string, now = Date.now()): Promise<void> {
    const entries = [...this.lastUse].filter(([key]) => key !== workspaceKey(gateway, id));
    entries.push([workspaceKey(gateway, id), now]);
    await this.#state.update(LAST_USE, Object.fromEntries(entries.slice(-MAX_ENTRIES)));
  }

  folders(gateway: GatewayUrl, id: string): readonly string[] {
    return this.#state.get<Record<string, string[]>>(FOLDERS, {})[workspaceKey(gateway, id)] ?? [];
  }

  async openedFolder(gateway: GatewayUrl, id: string, folder: string): Promise<void> {
    const key = workspaceKey(gateway, id);
    const { [key]: own = [], ...others } = this.#state.get<Record<string, string[]>>(FOLDERS, {});
    if (own[0] === folder) return;
    const kept = Object.entries(others).slice(1 - MAX_ENTRIES);
    await this.#state.update(FOLDERS, { ...Object.fromEntries(kept), [key]: withRecentFolder(own, folder) });
  }

  /**
   * Whether the person has agreed to open this origin for this workspace. A yes for one workspace does not count for
   * others.
   */
  hasOpened(gateway: GatewayUrl, id: string, origin: string): boolean {
    return this.#state.get<string[]>(BROWSER_ORIGINS, []).includes(`${workspaceKey(gateway, id)} ${origin}`);
  }

  async setOpened(gateway: GatewayUrl, id: string, origin: string): Promise<void> {
    const entry = `${workspaceKey(gateway, id)} ${origin}`;
    const others = this.#state.get<string[]>(BROWSER_ORIGINS, []).filter((one) => one !== entry);
    await this.#state.update(BROWSER_ORIGINS, [...others, entry].slice(-MAX_ENTRIES));
  }

  /**
   * Whether the person has agreed to connect to this workspace of another account while it had one of these host keys.
   */
  hasAgreed(gateway: GatewayUrl, id: string, fingerprints: readonly string[]): boolean {
    const known = new Set(this.#state.get<string[]>(AGREED, []));
    return fingerprints.some((one) => known.has(`${workspaceKey(gateway, id)} ${one}`));
  }

  async setAgreed(gateway: GatewayUrl, id: string, fingerprints: readonly string[]): Promise<void> {
    const added = fingerprints.map((one) => `${workspaceKey(gateway, id)} ${one}`);
    const others = this.#state.get<string[]>(AGREED, []).filter((one) => !added.includes(one));
    await this.#state.update(AGREED, [...others, ...added].slice(-MAX_ENTRIES));
  }

  /** Whether to use an owner token at this gateway when no key fits, without asking about keys. */
  usesOwnerToken(gateway: GatewayUrl): boolean {
    return this.#state.get<string[]>(OWNER_TOKEN_GATEWAYS, []).includes(gateway);
  }

  async setUsesOwnerToken(gateway: GatewayUrl, uses: boolean): Promise<void> {
    const others = this.#state.get<string[]>(OWNER_TOKEN_GATEWAYS, []).filter((one) => one !== gateway);
    await this.#state.update(OWNER_TOKEN_GATEWAYS, uses ? [...others, gateway] : others);
  }

  /** The notice that the previous window had no time to show, as remote-window/left-notice.ts stores it. */
  get leftNotice(): unknown {
    return this.#state.get(LEFT_NOTICE);
  }

  async setLeftNotice(notice: object | undefined): Promise<void> {
    await this.#state.update(LEFT_NOTICE, notice);
  }

  /** Remembers the network. Returns whether it was new. */
  async isNewNetwork(network: string): Promise<boolean> {
    const known = this.#state.get<string[]>(NOTICED_NETWORKS, []);
    if (known.includes(network)) return false;
    await this.#state.update(NOTICED_NETWORKS, [...known, network].slice(-MAX_NETWORKS));
    return true;
  }

  /** Whether the gateway has not been asked for a newer version for so long. It counts as asked now. */
  async isUpdateDue(gateway: GatewayUrl, ms: number, now = Date.now()): Promise<boolean> {
    const { [gateway]: last, ...others } = this.#state.get<Record<string, number>>(UPDATE_CHECKS, {});
    // A time to come: the clock was wrong.
    if (last !== undefined && now - last < ms && last <= now) return false;
    const kept = Object.entries(others).slice(1 - MAX_ENTRIES);
    await this.#state.update(UPDATE_CHECKS, { ...Object.fromEntries(kept), [gateway]: now });
    return true;
  }

  hasDeclinedUpdate(version: string): boolean {
    return this.#state.get(DECLINED_UPDATE) === version;
  }

  async setDeclinedUpdate(version: string): Promise<void> {
    await this.#state.update(DECLINED_UPDATE, version);
  }

  /** The version that was installed from a gateway last; windows that have not been reloaded run an older one. */
  get installedUpdate(): string | undefined {
    return this.#state.get<string>(INSTALLED_UPDATE);
  }

  async setInstalledUpdate(version: string): Promise<void> {
    await this.#state.update(INSTALLED_UPDATE, version);
  }
}
