// Whether a gateway signs its own clients in, and under which URL it does that: the check of its metadata (RFC 8414).

import { Type } from "typebox";
import { OAUTH_CAPABILITY, OAUTH_PATHS } from "../../../protocol/sign-in/oauth.ts";
import type { GatewayUrl } from "../../../protocol/values/gateway-url.ts";
import { printable } from "../../../protocol/values/printable.ts";
import { CommandError } from "../../platform/command-error.ts";
import { type GatewayApiOptions, request } from "../gateway-request.ts";

const Metadata = Type.Object({
  issuer: Type.String({ maxLength: 2_000 }),
  code_challenge_methods_supported: Type.Array(Type.String({ maxLength: 40 }), { maxItems: 20 }),
  /** Missing: the gateway takes no device codes. */
  device_authorization_endpoint: Type.Optional(Type.String({ maxLength: 2_000 })),
});

export function signsClientsIn(discovery: { readonly capabilities: readonly string[] }): boolean {
  return discovery.capabilities.includes(OAUTH_CAPABILITY);
}

/**
 * Checks that the gateway's authorization server is the gateway itself: otherwise a different server could get its codes
 * (RFC 8414 §3.3, RFC 9207). Returns what it offers.
 * @throws CommandError stage `http`: wrong_issuer, not_supported, or the network's
 */
export async function checkAuthorizationServer(
  gateway: GatewayUrl,
  options: GatewayApiOptions,
): Promise<{ readonly deviceCodes: boolean }> {
  const what = { method: "GET", path: OAUTH_PATHS.metadata };
  const metadata = await request(gateway, options, what, Metadata);
  const { issuer, code_challenge_methods_supported, device_authorization_endpoint } = metadata;
  if (issuer !== gateway) {
    const own = printable(issuer, 200);
    const message = `${gateway} calls itself ${own}: sign in there, or with an access token.`;
    throw new CommandError("http", "wrong_issuer", message);
  }
  if (code_challenge_methods_supported.includes("S256")) {
    return { deviceCodes: device_authorization_endpoint !== undefined };
  }
  const message = `${gateway} does not sign clients in as this version expects: sign in with an access token.`;
  throw new CommandError("http", "not_supported", message);
}
