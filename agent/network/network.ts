// The way to gateways as it is configured for one process: proxies, trust, and what earlier connections of the process learnt.

import type { LookupAddress } from "node:dns";
import type { ProxyAddress } from "./proxy-address.ts";
import { chooseProxy, type ProxySettings } from "./proxy-choice.ts";
import { Trust, type TrustSettings } from "./trust.ts";

/** One way to try. */
export type Route = { readonly kind: "direct" } | ProxyRoute;

export interface ProxyRoute {
  readonly kind: "proxy";
  readonly address: ProxyAddress;
  /** Where it is configured, for messages: a variable, a setting, a file. */
  readonly from: string;
}

const DIRECT: readonly Route[] = [{ kind: "direct" }];
/** Gateways that one process talks to. */
const MAX_REMEMBERED = 32;

export class Network {
  readonly trust: Trust;
  /** By `host:port`: tickets that spare the next handshake the certificate. In memory only. */
  readonly sessions = new Remembered<Buffer>();
  /** By name: for when the name server is away for a while, as after a change of networks. */
  readonly addresses = new Remembered<readonly LookupAddress[]>();
  readonly #proxies: ProxySettings;

  constructor(proxies: ProxySettings, trust: TrustSettings) {
    this.#proxies = proxies;
    this.trust = new Trust(trust);
  }

  /**
   * The ways to `url`, the first to be tried first; at least one.
   * @throws CommandError stage `proxy`
   */
  async routes(url: URL, signal: AbortSignal): Promise<readonly Route[]> {
    const choice = chooseProxy(this.#proxies, url);
    switch (choice.kind) {
      case "direct":
        return DIRECT;
      case "proxy":
        return [choice];
      case "pac": {
        const { routesByPac } = await import("./pac/routes-by-pac.ts");
        return await routesByPac(choice.source, choice.from, url, signal);
      }
    }
  }
}

/** A map that forgets the oldest entry. */
class Remembered<V> {
  readonly #entries = new Map<string, V>();

  get(key: string): V | undefined {
    return this.#entries.get(key);
  }

  set(key: string, value: V): void {
    this.#entries.delete(key);
    this.#entries.set(key, value);
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= MAX_REMEMBERED) break;
      this.#entries.delete(oldest);
    }
  }

  delete(key: string): void {
    this.#entries.delete(key);
  }
}
