// A proxy's address as people and systems write it: `http://user:password@proxy.example:3128`. Pure. The password is in the
// object, and in no text that is made from it.

import { CommandError } from "../../command-error.ts";

export type ProxyScheme = "http" | "https" | "socks4" | "socks5";

export interface ProxyAddress {
  /** `https`: the proxy itself is spoken to by TLS. */
  readonly scheme: ProxyScheme;
  /** Without the brackets of IPv6. */
  readonly host: string;
  readonly port: number;
  readonly credentials: ProxyCredentials | undefined;
  /** A whole `Proxy-Authorization` value that somebody configured, in place of `credentials`; HTTP proxies only. */
  readonly authorization: string | undefined;
}

export interface ProxyCredentials {
  readonly user: string;
  readonly password: string;
}

/** As URLs have it, and RFC 1928 §3. */
const DEFAULT_PORT: Readonly<Record<ProxyScheme, number>> = {
  http: 80,
  https: 443,
  socks4: 1080,
  socks5: 1080,
};
/** Names are always left to the proxy to look up (socks4a, socks5h), since a network with a proxy often has no other DNS. */
const SCHEMES: Readonly<Record<string, ProxyScheme>> = {
  http: "http",
  https: "https",
  socks: "socks5",
  socks4: "socks4",
  socks4a: "socks4",
  socks5: "socks5",
  socks5h: "socks5",
};
const MAX_URL = 2_000;
/** RFC 1929 §2: one length byte each. */
const MAX_CREDENTIAL_BYTES = 255;

/**
 * Accepts `scheme://[user[:password]@]host[:port][/]`; without a scheme http is meant, as curl has it.
 * @param from what a message calls it, such as `HTTPS_PROXY`: the text itself may hold a password
 * @throws CommandError stage `proxy`, code `bad_proxy`
 */
export function parseProxyAddress(text: string, from: string): ProxyAddress {
  const given = text.trim();
  const bad = (why: string): CommandError =>
    new CommandError(
      "proxy",
      "bad_proxy",
      `${from} is not a proxy's address such as http://proxy.example:3128: ${why}.`,
    );
  if (given === "" || given.length > MAX_URL) throw bad(given === "" ? "it is empty" : "it is too long");
  const match = /^(?:([a-z][a-z0-9+.-]*):\/\/)?(.*)$/is.exec(given);
  const scheme = SCHEMES[(match?.[1] ?? "http").toLowerCase()];
  if (scheme === undefined) throw bad("its scheme is none of http, https, socks4 and socks5");
  // WHATWG URLs lose a special scheme's default port, and keep one of other schemes: parsed as one of these.
  const href = `proxy://${match?.[2] ?? ""}`;
  if (!URL.canParse(href)) throw bad("it is no URL");
  const url = new URL(href);
  const host = url.hostname.replace(/^\[|\]$/g, "").toLowerCase();
  if (!/^[a-z0-9_.:-]+$/.test(host)) throw bad("its host name is none");
  if (!/^\/?$/.test(url.pathname) || url.search !== "" || url.hash !== "")
    throw bad("there is something behind the port");
  return {
    scheme,
    host,
    port: url.port === "" ? DEFAULT_PORT[scheme] : Number(url.port),
    credentials: credentialsOf(url, bad),
    authorization: undefined,
  };
}

function credentialsOf(url: URL, bad: (why: string) => CommandError): ProxyCredentials | undefined {
  if (url.username === "" && url.password === "") return undefined;
  const user = decoded(url.username);
  const password = decoded(url.password);
  if (user === undefined || password === undefined)
    throw bad("its user name or password has a % that is none");
  const long = [user, password].some((one) => Buffer.byteLength(one) > MAX_CREDENTIAL_BYTES);
  // A colon in the name would move the border (RFC 7617 §2); a line break would end the header.
  if (long || user.includes(":") || /\p{Cc}/u.test(user + password))
    throw bad("its user name or password cannot be sent");
  return { user, password };
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    // A lone percent sign; the caller has the words for it.
    return undefined;
  }
}

/** For people and logs: never with a password or a user name. */
export function proxyLabel({ scheme, host, port }: ProxyAddress): string {
  return `${scheme}://${host.includes(":") ? `[${host}]` : host}:${port}`;
}
