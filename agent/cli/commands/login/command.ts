// `sallyport login`: finds out whether a URL is a gateway, checks an access token there, and keeps it.

import type { CommandContext } from "../../../../protocol/command/command.ts";
import { executable, type Input } from "../../../../protocol/command/run.ts";
import { type GatewayUrl, gatewayHost } from "../../../../protocol/values/gateway-url.ts";
import { parseName } from "../../../../protocol/values/name.ts";
import { printable } from "../../../../protocol/values/printable.ts";
import { type AccessToken, parseAccessToken, tokenKind } from "../../../../protocol/values/token.ts";
import { gatewayApi } from "../../../client/gateway-api.ts";
import { CommandError } from "../../../platform/command-error.ts";
import { tokenWithoutGateway, unboundToken } from "../../../platform/credentials/environment.ts";
import {
  listGateways,
  readGivenTokenFile,
  refusePlainHttp,
  resolveGateway,
  type Saved,
  saveAccessToken,
  tokenFromEnvironment,
} from "../../../platform/credentials/store.ts";
import { relativeTime } from "../../../platform/duration.ts";
import { networkFrom } from "../../../platform/network/configured-network.ts";
import { json } from "../../../platform/output.ts";
import { askSecret, isTerminal, readSecretFrom } from "../../terminal.ts";
import { definition } from "./definition.ts";

async function run(
  { options, operands }: Input<typeof definition>,
  context: CommandContext,
): Promise<number> {
  const gateway = resolveGateway(operands.gateway, context.env);
  const allowPlainHttp =
    options["allow-plain-http"] ||
    listGateways(context.env).some((known) => known.url === gateway && known.allowPlainHttp);
  refusePlainHttp(gateway, allowPlainHttp);

  const access = { signal: context.signal, network: networkFrom(context.env) };
  const discovery = await gatewayApi(gateway, access).discovery();
  if (!discovery.apiVersions.includes(1)) {
    throw new CommandError(
      "http",
      "unsupported_version",
      `${gateway} speaks API version ${discovery.apiVersions.join(", ")}, this sallyport speaks 1: update the older one.`,
    );
  }
  const token = await obtainToken(gateway, options["token-file"], context);
  const { account, token: info } = await gatewayApi(gateway, { ...access, token }).me();
  const name = parseName(account.name, "account");
  const saved = await saveAccessToken(gateway, token, { account: name, allowPlainHttp }, context);

  context.stderr.write(`${whereKept(saved)}\n`);
  if (options.json) {
    context.stdout.write(
      json({
        gateway,
        account: name,
        scopes: info.scopes,
        expiresAt: info.expiresAt,
        tokenIn: saved.tokenIn,
      }),
    );
    return 0;
  }
  const expiry =
    info.expiresAt === null ? "never" : `${info.expiresAt} (${relativeTime(info.expiresAt, new Date())})`;
  context.stdout.write(
    `Signed in at ${gateway} as ${name}${account.admin ? " (admin)" : ""}.\n` +
      `Token: ${printable(info.title)}\nScopes: ${info.scopes.join(", ")}\nExpires: ${expiry}\n`,
  );
  return 0;
}

/** What was given explicitly comes first. Asks only on a terminal, where somebody can answer. */
async function obtainToken(
  gateway: GatewayUrl,
  file: string | undefined,
  context: CommandContext,
): Promise<AccessToken> {
  if (file !== undefined && file !== "-") return readGivenTokenFile(file);
  if (file === undefined) {
    const given = tokenFromEnvironment(gateway, context.env);
    if (given !== undefined) return given;
    const variable = unboundToken(context.env);
    // On a terminal a different token can be typed.
    if (variable !== undefined && !isTerminal(context.stdin)) throw tokenWithoutGateway(variable, gateway);
  }
  const text = isTerminal(context.stdin)
    ? await askSecret(
        `Access token for ${gatewayHost(gateway)} (not shown): `,
        context.stdin,
        context.stderr,
        context.signal,
      )
    : await readSecretFrom(context.stdin, context.signal);
  if (text === "") throw new CommandError("sign-in", "bad_token", "No token was given.");
  if (tokenKind(text.trim()) === "spo") {
    throw new CommandError(
      "sign-in",
      "bad_token",
      "This is an owner token (spo_…): it opens one workspace, not an account.",
    );
  }
  return parseAccessToken(text.trim());
}

function whereKept(saved: Saved): string {
  return saved.tokenIn === "keychain"
    ? "The token is kept in the system's keychain."
    : `The token is kept in ${saved.path}, readable by you only (${saved.why}).`;
}

export const command = executable(definition, run);
