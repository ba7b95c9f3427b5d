// A gateway's URL, the one address that people type, and the URLs that are derived from it.

import { ProtocolError } from "../errors.ts";
import { type HostName, isHostName, parseHostName } from "./host-name.ts";

declare const brand: unique symbol;
/**
 * An http(s) origin with an optional path prefix, without a trailing slash: `https://gw.example/sub`. The URL standard allows
 * the host `a$(b)` and quotes in a path; both end up in commands and configuration files, so neither is accepted.
 */
export type GatewayUrl = string & { readonly [brand]: "GatewayUrl" };

export const MAX_GATEWAY_URL = 500;
/** The form of a GatewayUrl, for schemas; `parseGatewayUrl` decides. */
export const GATEWAY_URL_PATTERN =
  "^https?://(?:[A-Za-z0-9_.-]{1,254}|\\[[0-9a-f:.]{2,45}\\])(?::\\d{1,5})?(?:/[A-Za-z0-9._~%/-]*[A-Za-z0-9._~%-])?$";
const pathRegExp = /^(?:[A-Za-z0-9._~/-]|%[0-9A-Fa-f]{2})*$/;

/**
 * Accepts `https://host`, `http://host:port`, `wss://…`, `ws://…` and a bare `host[:port]`, which means https, or http on this
 * machine.
 * @throws ProtocolError `bad_url` with field `gateway`: not a URL, or one with credentials, a query or a fragment
 */
export function parseGatewayUrl(value: unknown): GatewayUrl {
  if (typeof value !== "string" || value.trim() === "" || value.length > MAX_GATEWAY_URL) {
    throw bad("Name the gateway by its URL, such as https://gateway.example.");
  }
  const text = value.trim();
  const scheme = /^[a-z][a-z0-9+.-]*:\/\//i.test(text);
  let url: URL;
  try {
    url = new URL(scheme ? text : `https://${text}`);
  } catch (cause) {
    throw bad(`${JSON.stringify(text)} is not a URL such as https://gateway.example.`, cause);
  }
  if (!scheme && isLoopback(url.hostname)) url.protocol = "http:";
  if (url.protocol === "wss:" || url.protocol === "ws:") {
    url = new URL(`http${url.protocol === "wss:" ? "s" : ""}:${url.href.slice(url.protocol.length)}`);
  }
  if (url.protocol !== "https:" && url.protocol !== "http:") {
    throw bad(`A gateway must be reached by https or http, not by ${url.protocol}//.`);
  }
  if (url.username !== "" || url.password !== "") {
    throw bad("A gateway's URL contains no user name or token: sign in with `sallyport login`.");
  }
  if (url.search !== "" || url.hash !== "")
    throw bad("A gateway's URL must have neither a query nor a fragment.");
  if (!isHostName(url.hostname.replace(/^\[|\]$/g, ""))) {
    throw bad(
      `${JSON.stringify(text)} does not name a host. A gateway's URL looks like https://gateway.example.`,
    );
  }
  if (!pathRegExp.test(url.pathname)) {
    throw bad("The path of a gateway's URL may contain letters, digits, percent signs and . _ ~ / - only.");
  }
  return `${url.origin}${url.pathname.replace(/\/+$/, "")}` as GatewayUrl;
}

/** Paths that the gateway serves, below its URL. */
export const PATHS = {
  api: "/api/v1",
  wellKnown: "/.well-known/sallyport",
  /** WebSocket: a host's control connection. */
  link: "/link",
  /** WebSocket: a host's dial-back for one stream. */
  stream: "/link/stream",
  /** WebSocket: a companion's tunnel. A header names the workspace, since an id may be a secret and URLs end up in logs. */
  tunnel: "/tunnel",
} as const;

/** Names the workspace of a tunnel request. */
export const WORKSPACE_HEADER = "sallyport-workspace";

/** WebSocket subprotocols (RFC 6455 §1.9). */
export const SUBPROTOCOL = {
  control: "sallyport.v1.control",
  /** Bytes; message boundaries mean nothing. */
  raw: "sallyport.v1.raw",
  /** The frames of protocol/resume/, end to end: gateways pass each message on unchanged. */
  resume: "sallyport.v1.resume",
} as const;

/** The subprotocols that carry a stream's bytes. */
export type DataSubprotocol = typeof SUBPROTOCOL.raw | typeof SUBPROTOCOL.resume;

/** `https://gw/sub` and `/tunnel` → `wss://gw/sub/tunnel`. */
export function webSocketUrl(gateway: GatewayUrl, path: string): string {
  return `ws${gateway.slice("http".length)}${path}`;
}

/** Whether it is plain http to a different machine. Tokens must not go there: the network could read them. */
export function isPlainRemote(gateway: GatewayUrl): boolean {
  const url = new URL(gateway);
  return url.protocol === "http:" && !isLoopback(url.hostname);
}

/** The host part only, as used in aliases and messages. */
export function gatewayHost(gateway: GatewayUrl): HostName {
  return parseHostName(new URL(gateway).hostname.replace(/^\[|\]$/g, ""), "gateway");
}

/** @param hostname as in a URL, IPv6 addresses in brackets */
export function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127(\.\d{1,3}){3}$/.test(hostname);
}

function bad(message: string, cause?: unknown): ProtocolError {
  return new ProtocolError("bad_url", message, { field: "gateway", cause });
}
