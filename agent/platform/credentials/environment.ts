// Tokens in the environment, and the gateway that they are for: the one that SALLYPORT_GATEWAY names or, if that is not set, the
// person's default gateway. A command that somebody was given to paste may name any other gateway, which must not get them.

import { type GatewayUrl, parseGatewayUrl } from "../../../protocol/values/gateway-url.ts";
import { type OwnerToken, parseOwnerToken, tokenKind } from "../../../protocol/values/token.ts";
import { CommandError } from "../command-error.ts";
import type { Machine } from "../paths.ts";
import { readGateways } from "./gateways.ts";

/** @throws ProtocolError bad_url; CommandError stage `file` */
export function isForGateway(gateway: GatewayUrl, env: Machine["env"]): boolean {
  const named = env.SALLYPORT_GATEWAY;
  if (named !== undefined && named !== "") return parseGatewayUrl(named) === gateway;
  return readGateways(env).default === gateway;
}

/** The variable that holds a token, or names a file with one, although nothing says which gateway the token is for. */
export function unboundToken(env: Machine["env"]): string | undefined {
  if ((env.SALLYPORT_GATEWAY ?? "") !== "") return undefined;
  return ["SALLYPORT_TOKEN", "SALLYPORT_TOKEN_FILE"].find((name) => (env[name] ?? "") !== "");
}

export function tokenWithoutGateway(variable: string, gateway: GatewayUrl): CommandError {
  return new CommandError(
    "sign-in",
    "token_without_gateway",
    `${variable} is not sent to ${gateway}, because nothing says that it is for that gateway: if it is, also set ` +
      `SALLYPORT_GATEWAY=${gateway}.`,
  );
}

/**
 * An owner token for a workspace of `gateway`; undefined: there is none, or it is for a different gateway.
 * @throws CommandError stage `sign-in`: bad_token, token_without_gateway
 */
export function ownerTokenFromEnvironment(gateway: GatewayUrl, env: Machine["env"]): OwnerToken | undefined {
  const given = (env.SALLYPORT_TOKEN ?? "").trim();
  if (tokenKind(given) !== "spo") return undefined;
  if (isForGateway(gateway, env)) return parseOwnerToken(given);
  if (unboundToken(env) === undefined) return undefined;
  throw tokenWithoutGateway("SALLYPORT_TOKEN", gateway);
}
