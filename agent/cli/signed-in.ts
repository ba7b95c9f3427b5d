// What most commands begin with: the gateway, the token for it, and its API.

import type { CommandContext } from "../../protocol/command/command.ts";
import type { GatewayUrl } from "../../protocol/values/gateway-url.ts";
import type { AccessToken } from "../../protocol/values/token.ts";
import { type GatewayApi, gatewayApi } from "../client/gateway-api.ts";
import { readAccessToken, requireAccessToken, resolveGateway } from "../platform/credentials/store.ts";
import { networkFrom } from "../platform/network/configured-network.ts";

/** @throws CommandError stage `config`, `sign-in`, `keychain` or `file` */
export async function signedIn(
  gatewayOption: GatewayUrl | undefined,
  context: CommandContext,
): Promise<{ gateway: GatewayUrl; api: GatewayApi }> {
  const gateway = resolveGateway(gatewayOption, context.env);
  const { token } = await requireAccessToken(gateway, context);
  const renewToken = async (refused: AccessToken) =>
    (await readAccessToken(gateway, context, refused))?.token;
  const { signal, env } = context;
  return { gateway, api: gatewayApi(gateway, { token, renewToken, signal, network: networkFrom(env) }) };
}

/** Says what was taken back, and what the gateway adds (`notWritten`). */
export function tellTakenBack(
  what: string,
  notWritten: string | undefined,
  { stderr }: CommandContext,
): void {
  stderr.write(`${what}${notWritten === undefined ? "" : ` ${notWritten}`}\n`);
}
