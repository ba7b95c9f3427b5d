// For whom passkeys are made here: the public URL's host and origin (WebAuthn's relying party).

import { ProtocolError } from "../../../protocol/errors.ts";
import type { GatewayUrl } from "../../../protocol/values/gateway-url.ts";

export interface RelyingParty {
  /** The host name that the passkeys are bound to. */
  readonly id: string;
  /** The one origin whose pages may use them. */
  readonly origin: string;
}

/** WebAuthn wants a domain name and https, or this machine by the name `localhost`. */
export function takesPasskeys(publicUrl: GatewayUrl): boolean {
  const { protocol, hostname } = new URL(publicUrl);
  if (hostname === "localhost" || hostname.endsWith(".localhost")) return true;
  return protocol === "https:" && !/^[\d.]+$|^\[/.test(hostname);
}

/** @throws ProtocolError forbidden */
export function relyingParty(publicUrl: GatewayUrl): RelyingParty {
  const { origin, hostname } = new URL(publicUrl);
  if (takesPasskeys(publicUrl)) return { id: hostname, origin };
  throw new ProtocolError(
    "forbidden",
    "Passkeys need a gateway whose --public-url is https with a host name (on this machine: http://localhost).",
  );
}
