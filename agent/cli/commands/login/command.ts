// `sallyport login`: finds out whether a URL is a gateway, signs in there by a browser, a device code or an access token, and
// keeps what it got.

import type { CommandContext } from "../../../../protocol/command/command.ts";
import { executable, type Input } from "../../../../protocol/command/run.ts";
import { OAUTH_SCOPES } from "../../../../protocol/sign-in/oauth.ts";
import type { GatewayUrl } from "../../../../protocol/values/gateway-url.ts";
import { parseName } from "../../../../protocol/values/name.ts";
import { printable } from "../../../../protocol/values/printable.ts";
import type { AccessToken } from "../../../../protocol/values/token.ts";
import { gatewayApi } from "../../../client/gateway-api.ts";
import { checkAuthorizationServer, signsClientsIn } from "../../../client/sign-in/authorization-server.ts";
import { keepOrEnd } from "../../../client/sign-in/keep.ts";
import { CommandError } from "../../../platform/command-error.ts";
import {
  listGateways,
  refusePlainHttp,
  resolveGateway,
  type Saved,
  saveAccessToken,
} from "../../../platform/credentials/store.ts";
import { relativeTime } from "../../../platform/duration.ts";
import { networkFrom } from "../../../platform/network/configured-network.ts";
import { json } from "../../../platform/output.ts";
import { definition } from "./definition.ts";
import { askForToken, givenToken } from "./given-token.ts";

type Options = Input<typeof definition>["options"];

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
  const by = options.browser ? "browser" : options.device ? "device" : undefined;
  const token = by === undefined ? await givenToken(gateway, options["token-file"], context) : undefined;
  if (token !== undefined) return await keepToken(gateway, token, allowPlainHttp, options, context);
  if (!signsClientsIn(discovery) || options["with-token"] || options["token-file"] !== undefined) {
    if (by !== undefined) {
      const message = `${gateway} takes only access tokens: run \`sallyport login ${gateway}\`.`;
      throw new CommandError("http", "not_supported", message);
    }
    const asked = await askForToken(gateway, context);
    return await keepToken(gateway, asked, allowPlainHttp, options, context);
  }
  const { deviceCodes } = await checkAuthorizationServer(gateway, access);
  const scopes = options.scopes.length > 0 ? options.scopes : OAUTH_SCOPES;
  const { signInAsClient } = await import("./client-sign-in.ts");
  const granted = await signInAsClient({ gateway, scopes, by, deviceCodes, json: options.json }, context);
  const { account, credential } = granted;
  const saved = await keepOrEnd(gateway, credential, { account, allowPlainHttp }, context);
  context.stderr.write(`${whereKept(saved, "sign-in")}\n`);
  context.stdout.write(
    options.json
      ? json({
          event: "signed-in",
          gateway,
          account,
          scopes: granted.scopes,
          signIn: credential.renewal.signIn,
          tokenIn: saved.tokenIn,
        })
      : `Signed in at ${gateway} as ${account}.\nScopes: ${granted.scopes.join(", ")}\n` +
          "It is renewed by itself; `sallyport logout` ends it.\n",
  );
  return 0;
}

/** Checks the token at the gateway and keeps it. */
async function keepToken(
  gateway: GatewayUrl,
  token: AccessToken,
  allowPlainHttp: boolean,
  options: Options,
  context: CommandContext,
): Promise<number> {
  const { signal, env } = context;
  const { account, token: info } = await gatewayApi(gateway, {
    token,
    signal,
    network: networkFrom(env),
  }).me();
  const name = parseName(account.name, "account");
  const saved = await saveAccessToken(gateway, token, { account: name, allowPlainHttp }, context);

  context.stderr.write(`${whereKept(saved, "token")}\n`);
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

function whereKept(saved: Saved, what: "token" | "sign-in"): string {
  return saved.tokenIn === "keychain"
    ? `The ${what} is kept in the system's keychain.`
    : `The ${what} is kept in ${saved.path}, readable by you only (${saved.why}).`;
}

export const command = executable(definition, run);
