// `sallyport login`: finds out whether a URL is a gateway, checks an access token there, and keeps it.

import { type Command, type CommandContext, UsageError } from "../../../../protocol/command/command.ts";
import { type GatewayUrl, gatewayHost } from "../../../../protocol/values/gateway-url.ts";
import { parseName } from "../../../../protocol/values/name.ts";
import { printable } from "../../../../protocol/values/printable.ts";
import { type AccessToken, parseAccessToken, tokenKind } from "../../../../protocol/values/token.ts";
import { gatewayApi } from "../../../client/gateway-api.ts";
import { CommandError } from "../../../platform/command-error.ts";
import { tokenWithoutGateway, unboundToken } from "../../../platform/credentials/environment.ts";
import {
  listGateways,
  plainHttpAllowed,
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
import { argument, readArguments } from "../../arguments.ts";
import { askSecret, isTerminal, readSecretFrom } from "../../terminal.ts";

const help = `
Usage: sallyport login [GATEWAY] [options]

Signs in at a gateway with an access token (spt_…) that the gateway printed at its first start, or that
\`sallyport token create\` made. It is asked for without echo, or read from standard input, from a file, or from
SALLYPORT_TOKEN where SALLYPORT_GATEWAY names this gateway; never from the command line, which every user of a machine
can see. It is kept in the system's keychain, or in a private file where there is none (SALLYPORT_KEYCHAIN=off chooses
the file).

Options:
  --token-file FILE    read the token from FILE; - is standard input
  --allow-plain-http   accept that the token crosses the network unencrypted to an http:// gateway
  --json               print what the gateway says of the account as JSON

Example:
  sallyport login https://gateway.example
`;

async function run(args: readonly string[], context: CommandContext): Promise<number> {
  if (args.some((arg) => arg === "--token" || arg.startsWith("--token="))) {
    throw new UsageError(
      "A token on the command line can be seen by every user of this machine: give it at the prompt, on standard input, " +
        "by --token-file, or in SALLYPORT_TOKEN.",
    );
  }
  const { values, positionals } = readArguments(args, {
    "token-file": { type: "string" },
    "allow-plain-http": { type: "boolean" },
    json: { type: "boolean" },
    verbose: { type: "boolean" },
  });
  if (positionals.some((text) => tokenKind(text) !== undefined)) {
    throw new UsageError(
      "A token has no place on the command line, and now it is in your shell's history: revoke it, or clear that.",
    );
  }
  if (positionals.length > 1) throw new UsageError("login takes one gateway.");
  const gateway = argument(() => resolveGateway(positionals[0], context.env));
  const allowPlainHttp =
    values["allow-plain-http"] === true ||
    plainHttpAllowed(context.env) ||
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
  const token = await obtainToken(gateway, values["token-file"], context);
  const { account, token: info } = await gatewayApi(gateway, { ...access, token }).me();
  const name = parseName(account.name, "account");
  const saved = await saveAccessToken(gateway, token, { account: name, allowPlainHttp }, context);

  context.stderr.write(`${whereKept(saved)}\n`);
  if (values.json === true) {
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

/** What the person said explicitly comes first; a prompt only where somebody can answer it. */
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
    // On a terminal another token can be given.
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

export const command: Command = { help, run };
