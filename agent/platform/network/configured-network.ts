// The network as it is configured for one process: proxies and trust, from the environment and an editor's settings.
// A companion starts for each ssh, so this file only looks whether anything is configured at all; the code that reads and
// applies it is loaded only then.

import type { LookupAddress } from "node:dns";
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import type { SecureContextOptions } from "node:tls";
import { editorNetworkFile, type Machine, thisMachine } from "../paths.ts";
import type { Network } from "./network.ts";
import type { OwnProxySettings } from "./proxy/configured-routes.ts";
import type { EditorProxy } from "./proxy/proxy-choice.ts";
import type { Endpoint, Route } from "./route.ts";
import type { Trust, TrustFiles } from "./trust.ts";

/** Each has the meaning of the flag `--proxy`, `--pac`, `--ca`, `--client-cert` or `--client-key`. */
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
/** What a proxy script is fetched with: the same authorities, but no proxy, since the script is to name that. */
const AUTHORITY_VARIABLES = [VARIABLE.ca, "NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE"];
/** In upper or lower case. */
const SYSTEM_VARIABLES = ["https_proxy", "http_proxy", "all_proxy"];

const DIRECT: readonly Route[] = [{ kind: "direct" }];
/** More gateways than one process talks to. */
const MAX_REMEMBERED = 32;

/** From the environment, which includes a command's flags, and from the settings that an editor left in a file. */
export function networkFrom(env: Machine["env"]): Network {
  return new ConfiguredNetwork(env, "handed-down");
}

/** From the environment and an editor's settings; undefined: there is no editor. For the editor itself, and for tests. */
export function networkWithEditor(env: Machine["env"], editor: EditorProxy | undefined): Network {
  return new ConfiguredNetwork(env, editor);
}

/** Whether the environment sets a variable that is Sallyport's own. */
export function hasOwnSettings(env: Machine["env"]): boolean {
  return [...PROXY_VARIABLES, ...TRUST_VARIABLES].some((name) => isSet(env, name));
}

class ConfiguredNetwork implements Network {
  readonly tlsSessions = new Remembered<Buffer>();
  readonly addresses = new Remembered<readonly LookupAddress[]>();
  readonly #env: Machine["env"];
  readonly #editor: EditorProxy | "handed-down" | undefined;
  #trust: Promise<Trust> | undefined;

  constructor(env: Machine["env"], editor: EditorProxy | "handed-down" | undefined) {
    this.#env = env;
    this.#editor = editor;
  }

  async routes(endpoint: Endpoint, signal: AbortSignal): Promise<readonly Route[]> {
    if (!this.#mayHaveProxy()) return DIRECT;
    const { routesTo } = await import("./proxy/configured-routes.ts");
    const forScripts = new ConfiguredNetwork(only(AUTHORITY_VARIABLES, this.#env), undefined);
    const settings = { own: ownProxySettings(this.#env), editor: this.#editor, env: this.#env };
    return await routesTo(endpoint, settings, forScripts, signal);
  }

  async tlsOptions(): Promise<SecureContextOptions | undefined> {
    if (!TRUST_VARIABLES.some((name) => isSet(this.#env, name))) return undefined;
    return await (await this.#loadTrust()).options();
  }

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
    this.#trust ??= import("./trust.ts").then(({ Trust }) => new Trust(trustFiles(this.#env)));
    return this.#trust;
  }
}

/** What the environment says about proxies for Sallyport alone. */
export function ownProxySettings(env: Machine["env"]): OwnProxySettings {
  const setting = (from: string): { value: string; from: string } | undefined => {
    const value = given(env, from);
    return value === undefined ? undefined : { value, from };
  };
  return {
    proxy: setting(VARIABLE.proxy),
    proxyFile: setting(VARIABLE.proxyFile),
    script: setting(VARIABLE.pac),
  };
}

function trustFiles(env: Machine["env"]): TrustFiles {
  return {
    ca: given(env, VARIABLE.ca),
    clientCert: given(env, VARIABLE.clientCert),
    clientKey: given(env, VARIABLE.clientKey),
    nodeExtraCa: given(env, "NODE_EXTRA_CA_CERTS"),
    systemCa: given(env, "SSL_CERT_FILE"),
  };
}

function only(names: readonly string[], env: Machine["env"]): Machine["env"] {
  return Object.fromEntries(names.map((name) => [name, env[name]]));
}

function isSet(env: Machine["env"], name: string): boolean {
  return given(env, name) !== undefined;
}

/** Without blanks around it; an empty variable counts as not set. */
function given(env: Machine["env"], name: string): string | undefined {
  return env[name]?.trim() || undefined;
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
