// Chooses the proxy for a connection to a gateway, or none. Pure.

import type { Endpoint } from "../route.ts";
import { isExempt, isLoopback } from "./no-proxy.ts";
import { type ProxyAddress, parseProxyAddress } from "./proxy-address.ts";

export interface ProxySettings {
  /** Set for Sallyport alone, by `--proxy`, `--pac` or their variables: applies to every gateway. */
  readonly own: OwnProxy | undefined;
  /** An editor's `http.*` settings. */
  readonly editor: EditorProxy | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export type OwnProxy =
  | { readonly kind: "none"; readonly from: string }
  | { readonly kind: "proxy"; readonly address: ProxyAddress; readonly from: string }
  /** `source`: a file's path, or an http(s) or file URL. */
  | { readonly kind: "pac"; readonly source: string; readonly from: string };

export interface EditorProxy {
  /** `http.proxySupport` is `off`: no proxy, whatever the environment says. */
  readonly off: boolean;
  readonly address: ProxyAddress | undefined;
  readonly noProxy: readonly string[];
  /** `http.proxyAuthorization`. */
  readonly authorization: string | undefined;
}

export type ProxyChoice =
  | { readonly kind: "direct" }
  | { readonly kind: "proxy"; readonly address: ProxyAddress; readonly from: string }
  | { readonly kind: "pac"; readonly source: string; readonly from: string };

const DIRECT: ProxyChoice = { kind: "direct" };

/**
 * The first rule that applies: Sallyport's own settings; no proxy for a gateway on this machine; the editor's settings; the
 * environment's `HTTPS_PROXY` (`HTTP_PROXY` for a gateway with plain http), then `ALL_PROXY`, both subject to `NO_PROXY`.
 * Lower case comes before upper case, as in curl.
 * @throws CommandError stage `proxy`, code `bad_proxy`: the variable that applies does not hold a proxy's address
 */
export function chooseProxy({ own, editor, env }: ProxySettings, endpoint: Endpoint): ProxyChoice {
  if (own !== undefined) return own.kind === "none" ? DIRECT : own;
  const { host, port, secure } = endpoint;
  if (isLoopback(host) || editor?.off === true) return DIRECT;
  if (editor !== undefined && isExempt(editor.noProxy.join(","), host, port)) return DIRECT;
  if (editor?.address !== undefined) {
    return { kind: "proxy", address: authorized(editor.address, editor), from: "http.proxy" };
  }
  const from = variableFor(secure, env);
  if (from === undefined || isExempt(env.no_proxy || env.NO_PROXY || "", host, port)) return DIRECT;
  return { kind: "proxy", address: authorized(parseProxyAddress(env[from] ?? "", from), editor), from };
}

function variableFor(secure: boolean, env: ProxySettings["env"]): string | undefined {
  // In a CGI program HTTP_PROXY is a header of the request, chosen by its sender (CVE-2016-5385).
  const http = env.REQUEST_METHOD === undefined ? ["http_proxy", "HTTP_PROXY"] : ["http_proxy"];
  const names = [...(secure ? ["https_proxy", "HTTPS_PROXY"] : http), "all_proxy", "ALL_PROXY"];
  return names.find((name) => (env[name] ?? "").trim() !== "");
}

/** Adds a configured header for HTTP proxies, unless the proxy's address has credentials of its own. */
function authorized(address: ProxyAddress, editor: EditorProxy | undefined): ProxyAddress {
  const takesIt = address.scheme === "http" || address.scheme === "https";
  if (!takesIt || address.credentials !== undefined || editor?.authorization === undefined) return address;
  return { ...address, authorization: editor.authorization };
}
