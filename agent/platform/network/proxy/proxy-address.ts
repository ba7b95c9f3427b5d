// A proxy's address as people and systems write it: `http://user:password@proxy.example:3128`. No message or label that is made
// from the parsed address contains the password. Pure.

import { CommandError } from "../../command-error.ts";

export type ProxyScheme = "http" | "https" | "socks4" | "socks5";

export interface ProxyAddress {
  /** `https`: the connection to the proxy itself uses TLS. */
  readonly scheme: ProxyScheme;
  /** Without the brackets of IPv6. */
  readonly host: string;
  readonly port: number;
  readonly credentials: ProxyCredentials | undefined;
  /** A configured value of `Proxy-Authorization`, used instead of `credentials`; HTTP proxies only. */
  readonly authorization: string | undefined;
}

interface ProxyCredentials {
  readonly user: string;
  readonly password: string;
}

/** The schemes' own ports; RFC 1928 §3 for SOCKS. */
const DEFAULT_PORT: Readonly<Record<ProxyScheme, number>> = {
  http: 80,
  https: 443,
  socks4: 1080,
  socks5: 1080,
};
/** The proxy always looks names up itself (socks4a, socks5h): a network with a proxy often has no other DNS. */
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
 * Accepts `scheme://[user[:password]@]host[:port][/]`. Without a scheme it is http, as with curl.
 * @param from what messages call it, such as `HTTPS_PROXY`, because the text may contain a password
 * @throws CommandError stage `proxy`, code `bad_proxy`
 */
export function parseProxyAddress(text: string, from: string): ProxyAddress {
  const given = text.trim();
  const bad = (why: string): CommandError =>
    new CommandError(
      "proxy",
      "bad_proxy",
      `${from} is not the address of a proxy, such as http://proxy.example:3128: ${why}.`,
    );
  if (given === "" || given.length > MAX_URL) throw bad(given === "" ? "it is empty" : "it is too long");
  const match = /^(?:([a-z][a-z0-9+.-]*):\/\/)?(.*)$/is.exec(given);
  const scheme = SCHEMES[(match?.[1] ?? "http").toLowerCase()];
  if (scheme === undefined) throw bad("its scheme is none of http, https, socks4 and socks5");
  // With a scheme that URL does not know, it keeps a port even if it is the default of the real scheme.
  const href = `proxy://${match?.[2] ?? ""}`;
  if (!URL.canParse(href)) throw bad("it is not a URL");
  const url = new URL(href);
  const host = url.hostname.replace(/^\[|\]$/g, "").toLowerCase();
  if (!/^[a-z0-9_.:-]+$/.test(host)) throw bad("its host name is not valid");
  if (!/^\/?$/.test(url.pathname) || url.search !== "" || url.hash !== "")
    throw bad("something follows the port");
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
    throw bad("its user name or password has a % that does not begin an escape such as %40");
  const long = [user, password].some((one) => Buffer.byteLength(one) > MAX_CREDENTIAL_BYTES);
  // A colon in the user name would shift the password (RFC 7617 §2); a line break would end the header.
  if (long || user.includes(":") || /\p{Cc}/u.test(user + password))
    throw bad("its user name or password is too long or has a character that cannot be sent");
  return { user, password };
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    // A lone percent sign: the caller reports it.
    return undefined;
  }
}

/** For people and logs: without the user name and password. */
export function proxyLabel({ scheme, host, port }: ProxyAddress): string {
  return `${scheme}://${host.includes(":") ? `[${host}]` : host}:${port}`;
}
