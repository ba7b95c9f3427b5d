// `sallyport logout`: ends the sign-in at a gateway and forgets it. An access token is revoked only when asked to.

import type { CommandContext } from "../../../../protocol/command/command.ts";
import { executable, type Input } from "../../../../protocol/command/run.ts";
import type { GatewayUrl } from "../../../../protocol/values/gateway-url.ts";
import { parseTokenId } from "../../../../protocol/values/id.ts";
import { CommandError } from "../../../platform/command-error.ts";
import type { Credential } from "../../../platform/credentials/credential.ts";
import {
  forgetAccessToken,
  listGateways,
  readStoredCredential,
  resolveGateway,
} from "../../../platform/credentials/store.ts";
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
  const ended = await end(gateway, options.revoke, context);
  await forgetAccessToken(gateway, context);
  context.stdout.write(`Signed out of ${gateway}.${ended.done}\n`);
  if (ended.warning !== undefined) context.stderr.write(`${ended.warning}\n`);
  return 0;
}

interface Ended {
  readonly done: string;
  readonly warning?: string | undefined;
}

async function end(gateway: GatewayUrl, isRequired: boolean, context: CommandContext): Promise<Ended> {
  const credential = await stored(gateway, isRequired, context);
  if (credential?.renewal === undefined) {
    if (!isRequired) return { done: "" };
    return { done: " The token is revoked.", warning: await revoke(gateway, context) };
  }
  const { endSignIn } = await import("../../../client/sign-in/end.ts");
  try {
    await endSignIn(gateway, { access: credential.access, renewal: credential.renewal }, context);
    return { done: " This machine's sign-in is ended there, with all that was open by it." };
  } catch (error) {
    if (isRequired || !(error instanceof CommandError)) throw error;
    const warning = `The gateway could not be told, so there the sign-in lasts until it has not been used for 60 days: ${error.message}`;
    return { done: "", warning };
  }
}

/** A keychain that does not answer is no reason to stay signed in, unless the gateway has to be told. */
async function stored(
  gateway: GatewayUrl,
  isRequired: boolean,
  context: CommandContext,
): Promise<Credential | undefined> {
  try {
    return await readStoredCredential(gateway, context);
  } catch (error) {
    if (isRequired || !(error instanceof CommandError)) throw error;
    return undefined;
  }
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
