// The way to gateways as it is configured for one process: proxies, trust, and what earlier connections of the process learnt.
// A companion is on the person's way into a workspace, so this file looks only whether anything is configured at all; what
// reads and applies it is loaded when there is.

import type { LookupAddress } from "node:dns";
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import type { SecureContextOptions } from "node:tls";
import { configDirectory, type Machine, thisMachine } from "../paths.ts";
import type { ProxyAddress } from "./proxy/proxy-address.ts";
import type { EditorProxy } from "./proxy/proxy-choice.ts";
import type { Trust } from "./trust.ts";

/** What stands in for `--proxy`, `--pac`, `--ca`, `--client-cert` and `--client-key`. */
export const VARIABLE = {
  proxy: "SALLYPORT_PROXY",
  proxyFile: "SALLYPORT_PROXY_FILE",
  pac: "SALLYPORT_PROXY_PAC",
  ca: "SALLYPORT_CA",
  clientCert: "SALLYPORT_CLIENT_CERT",
  clientKey: "SALLYPORT_CLIENT_KEY",
} as const;

const PROXY_VARIABLES = [VARIABLE.proxy, VARIABLE.proxyFile, VARIABLE.pac];
const TRUST_VARIABLES = [VARIABLE.ca, VARIABLE.clientCert, VARIABLE.clientKey];
/** Without regard to case. */
const SYSTEM_VARIABLES = ["https_proxy", "http_proxy", "all_proxy"];

/** One way to try. */
export type Route = { readonly kind: "direct" } | ProxyRoute;

export interface ProxyRoute {
  readonly kind: "proxy";
  readonly address: ProxyAddress;
  /** Where it is configured, for messages: a variable, a setting, a file. */
  readonly from: string;
}

/** Where a URL leads: without the brackets of IPv6, and with the port that its scheme implies. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
  readonly secure: boolean;
}

const DIRECT: readonly Route[] = [{ kind: "direct" }];
/** Gateways that one process talks to. */
const MAX_REMEMBERED = 32;

/** As the environment has it, in which a command's flags have been put, and what an editor has handed down. */
export function networkFrom(env: Machine["env"]): Network {
  return new Network(env, "handed-down");
}

/** For an editor itself, which knows its settings without the file. */
export function networkOf(env: Machine["env"], editor: EditorProxy | undefined): Network {
  return new Network(env, editor);
}

/** Beside the list of sign-ins; see editor-network.ts. */
export function editorNetworkFile(machine: Machine): string {
  return join(configDirectory(machine), "editor-network.json");
}

/** Whether the environment says something for Sallyport alone. */
export function hasOwnSettings(env: Machine["env"]): boolean {
  return [...PROXY_VARIABLES, ...TRUST_VARIABLES].some((name) => isSet(env, name));
}

export function endpointOf(url: URL): Endpoint {
  const secure = url.protocol === "https:" || url.protocol === "wss:";
  const host = url.hostname.replace(/^\[|\]$/g, "");
  return { host, port: url.port === "" ? (secure ? 443 : 80) : Number(url.port), secure };
}

/** One object: what is made of it is kept by it. */
export const NODES_OWN_TRUST: SecureContextOptions = {};

export class Network {
  /** By `host:port`: tickets that spare the next handshake the certificate. In memory only. */
  readonly sessions = new Remembered<Buffer>();
  /** By name: for when the name server is away for a while, as after a change of networks. */
  readonly addresses = new Remembered<readonly LookupAddress[]>();
  readonly #env: Machine["env"];
  readonly #editor: EditorProxy | "handed-down" | undefined;
  #trust: Promise<Trust> | undefined;

  constructor(env: Machine["env"], editor: EditorProxy | "handed-down" | undefined) {
    this.#env = env;
    this.#editor = editor;
  }

  /**
   * The ways to `url`, the first to be tried first; at least one.
   * @throws CommandError stage `proxy` or `file`: something configured is not what it should be
   */
  async routes(url: URL, signal: AbortSignal): Promise<readonly Route[]> {
    if (!this.#mayHaveProxy()) return DIRECT;
    const { routesTo } = await import("./proxy/configured-routes.ts");
    return await routesTo(endpointOf(url), this.#env, this.#editor, signal);
  }

  /**
   * Node's authorities and the configured one, and the client certificate.
   * @throws CommandError stage `tls`: a file is unreadable or holds something else
   */
  async tlsOptions(): Promise<SecureContextOptions> {
    if (!TRUST_VARIABLES.some((name) => isSet(this.#env, name))) return NODES_OWN_TRUST;
    return await (await this.#loadTrust()).options();
  }

  /** The same with the system's authorities; undefined where this Node cannot read them. */
  async tlsOptionsWithSystem(): Promise<SecureContextOptions | undefined> {
    return await (await this.#loadTrust()).withSystemAuthorities();
  }

  #mayHaveProxy(): boolean {
    const env = this.#env;
    if (PROXY_VARIABLES.some((name) => isSet(env, name))) return true;
    if (SYSTEM_VARIABLES.some((name) => isSet(env, name) || isSet(env, name.toUpperCase()))) return true;
    if (this.#editor !== "handed-down") return this.#editor !== undefined;
    return existsSync(editorNetworkFile(thisMachine(env, homedir)));
  }

  #loadTrust(): Promise<Trust> {
    this.#trust ??= import("./trust.ts").then(({ Trust }) => new Trust(this.#env));
    return this.#trust;
  }
}

function isSet(env: Machine["env"], name: string): boolean {
  return (env[name] ?? "").trim() !== "";
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
