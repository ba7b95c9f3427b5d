// `sallyport logout`: forgets the access token for a gateway, and revokes it there when asked to.

import type { CommandContext } from "../../../../protocol/command/command.ts";
import { executable, type Input } from "../../../../protocol/command/run.ts";
import type { GatewayUrl } from "../../../../protocol/values/gateway-url.ts";
import { parseTokenId } from "../../../../protocol/values/id.ts";
import { CommandError } from "../../../platform/command-error.ts";
import { forgetAccessToken, listGateways, resolveGateway } from "../../../platform/credentials/store.ts";
import { signedIn } from "../../signed-in.ts";
import { definition } from "./definition.ts";

/** With these codes the gateway refuses the token already, so nothing is left to revoke. */
const WORTHLESS: readonly string[] = ["token_unknown", "token_expired", "token_revoked", "account_disabled"];

async function run(
  { options, operands }: Input<typeof definition>,
  context: CommandContext,
): Promise<number> {
  const gateway = resolveGateway(operands.gateway, context.env);
  if (!listGateways(context.env).some(({ url }) => url === gateway)) {
    throw new CommandError("sign-in", "unauthenticated", `You are not signed in at ${gateway}.`);
  }
  const notWritten = options.revoke ? await revoke(gateway, context) : undefined;
  await forgetAccessToken(gateway, context);
  context.stdout.write(`Signed out of ${gateway}.${options.revoke ? " The token is revoked." : ""}\n`);
  if (notWritten !== undefined) context.stderr.write(`${notWritten}\n`);
  return 0;
}

async function revoke(gateway: GatewayUrl, context: CommandContext): Promise<string | undefined> {
  // Revokes the token that is kept here, not one in the environment.
  const { SALLYPORT_TOKEN: _, SALLYPORT_TOKEN_FILE: __, ...env } = context.env;
  try {
    const { api } = await signedIn(gateway, { ...context, env, signal: context.signal });
    const { token } = await api.me();
    return await api.revokeToken(parseTokenId(token.id));
  } catch (error) {
    if (!(error instanceof CommandError && WORTHLESS.includes(error.code))) throw error;
    return undefined;
  }
}

export const command = executable(definition, run);
