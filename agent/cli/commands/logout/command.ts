// `sallyport logout`: forgets the access token for a gateway, and revokes it there when asked to.

import { type Command, type CommandContext, UsageError } from "../../../../protocol/command/command.ts";
import { parseTokenId } from "../../../../protocol/values/id.ts";
import { CommandError } from "../../../platform/command-error.ts";
import { forgetAccessToken, listGateways, resolveGateway } from "../../../platform/credentials/store.ts";
import { argument, readArguments } from "../../arguments.ts";
import { signedIn } from "../../signed-in.ts";

const help = `
Usage: sallyport logout [GATEWAY] [options]

Removes the access token for a gateway from this machine. The gateway still accepts it, unless --revoke is given.

Options:
  --revoke   make the token worthless at the gateway first, and with it all that it has made: a host whose token was made
             while you were signed in with it loses its place

Example:
  sallyport logout https://gateway.example --revoke
`;

/** The gateway refuses the token already: there is nothing left to revoke. */
const WORTHLESS: readonly string[] = ["token_unknown", "token_expired", "token_revoked", "account_disabled"];

async function run(args: readonly string[], context: CommandContext): Promise<number> {
  const { values, positionals } = readArguments(args, {
    revoke: { type: "boolean" },
    verbose: { type: "boolean" },
  });
  if (positionals.length > 1) throw new UsageError("logout takes one gateway.");
  const gateway = argument(() => resolveGateway(positionals[0], context.env));
  if (!listGateways(context.env).some(({ url }) => url === gateway)) {
    throw new CommandError("sign-in", "unauthenticated", `You are not signed in at ${gateway}.`);
  }
  const notWritten = values.revoke === true ? await revoke(gateway, context) : undefined;
  await forgetAccessToken(gateway, context);
  context.stdout.write(
    `Signed out of ${gateway}.${values.revoke === true ? " The token is revoked." : ""}\n`,
  );
  if (notWritten !== undefined) context.stderr.write(`${notWritten}\n`);
  return 0;
}

async function revoke(gateway: string, context: CommandContext): Promise<string | undefined> {
  // The token that is kept here is meant, not one in the environment.
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

export const command: Command = { help, run };
