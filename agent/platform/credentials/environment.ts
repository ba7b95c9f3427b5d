// A token in the environment, and whose it is. It is for the gateway that SALLYPORT_GATEWAY names, or for the person's default
// one where that is not set: a command that somebody was given to paste may name any other.

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

/** The variable that holds a token of which nobody says whose it is, or names a file with one. */
export function unboundToken(env: Machine["env"]): string | undefined {
  if ((env.SALLYPORT_GATEWAY ?? "") !== "") return undefined;
  return ["SALLYPORT_TOKEN", "SALLYPORT_TOKEN_FILE"].find((name) => (env[name] ?? "") !== "");
}

export function tokenWithoutGateway(variable: string, gateway: GatewayUrl): CommandError {
  return new CommandError(
    "sign-in",
    "token_without_gateway",
    `${variable} is not shown to ${gateway}, since nothing says that it is for that gateway: if it is, set ` +
      `SALLYPORT_GATEWAY=${gateway} as well.`,
  );
}

/**
 * An owner token for a workspace of `gateway`; undefined: there is none, or it is another gateway's.
 * @throws CommandError stage `sign-in`: bad_token, token_without_gateway
 */
export function ownerTokenFromEnvironment(gateway: GatewayUrl, env: Machine["env"]): OwnerToken | undefined {
  const given = (env.SALLYPORT_TOKEN ?? "").trim();
  if (tokenKind(given) !== "spo") return undefined;
  if (isForGateway(gateway, env)) return parseOwnerToken(given);
  if (unboundToken(env) === undefined) return undefined;
  throw tokenWithoutGateway("SALLYPORT_TOKEN", gateway);
}
