// The access token that a person gives `sallyport login`: by a file, the environment, standard input or the prompt.

import type { CommandContext } from "../../../../protocol/command/command.ts";
import { type GatewayUrl, gatewayHost } from "../../../../protocol/values/gateway-url.ts";
import { type AccessToken, parseAccessToken, tokenKind } from "../../../../protocol/values/token.ts";
import { CommandError } from "../../../platform/command-error.ts";
import { tokenWithoutGateway, unboundToken } from "../../../platform/credentials/environment.ts";
import { readGivenTokenFile, tokenFromEnvironment } from "../../../platform/credentials/store.ts";
import { askSecret, isTerminal, readSecretFrom } from "../../terminal.ts";

/**
 * A token that is there without a question; undefined: there is none.
 * @throws CommandError stage `sign-in`: bad_token, token_without_gateway; `file`
 */
export async function givenToken(
  gateway: GatewayUrl,
  file: string | undefined,
  context: CommandContext,
): Promise<AccessToken | undefined> {
  if (file !== undefined && file !== "-") return readGivenTokenFile(file);
  const { env, stdin, signal } = context;
  if (file === undefined) {
    const given = tokenFromEnvironment(gateway, env);
    if (given !== undefined) return given;
    // On a terminal a different token can be typed.
    if (isTerminal(stdin)) return undefined;
    const variable = unboundToken(env);
    if (variable !== undefined) throw tokenWithoutGateway(variable, gateway);
  }
  if (isTerminal(stdin)) return await askForToken(gateway, context);
  const text = await readSecretFrom(stdin, signal);
  return text === "" ? undefined : parse(text);
}

/** @throws CommandError stage `sign-in`: bad_token, cancelled */
export async function askForToken(
  gateway: GatewayUrl,
  { stdin, stderr, signal }: CommandContext,
): Promise<AccessToken> {
  const text = isTerminal(stdin)
    ? await askSecret(`Access token for ${gatewayHost(gateway)} (not shown): `, stdin, stderr, signal)
    : "";
  if (text === "") throw new CommandError("sign-in", "bad_token", "No token was given.");
  return parse(text);
}

function parse(text: string): AccessToken {
  if (tokenKind(text.trim()) === "spo") {
    throw new CommandError(
      "sign-in",
      "bad_token",
      "This is an owner token (spo_…): it opens one workspace, not an account.",
    );
  }
  return parseAccessToken(text.trim());
}
