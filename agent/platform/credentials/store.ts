// Finds and keeps the access token for a gateway: in the environment, the system's keychain, or a private file.

import { readFileSync } from "node:fs";
import { type GatewayUrl, isPlainRemote, parseGatewayUrl } from "../../../protocol/values/gateway-url.ts";
import type { Name } from "../../../protocol/values/name.ts";
import { type AccessToken, parseAccessToken } from "../../../protocol/values/token.ts";
import { CommandError } from "../command-error.ts";
import type { Machine } from "../paths.ts";
import { isForGateway, tokenWithoutGateway, unboundToken } from "./environment.ts";
import { changeGateways, readGateways, type SignedIn, withGateway, withoutGateway } from "./gateways.ts";
import type { Keychain } from "./keychain.ts";
import { readTokenFile, removeTokenFile, writeTokenFile } from "./token-file.ts";

export type { SignedIn } from "./gateways.ts";

export interface StoreContext {
  readonly env: Machine["env"];
  /** Used instead of the system's keychain. */
  readonly keychain?: Keychain;
}

export interface FoundToken {
  readonly token: AccessToken;
  readonly source: "environment" | "keychain" | "file";
}

/**
 * The access token for `gateway`; undefined if there is none. Looks at SALLYPORT_TOKEN, then SALLYPORT_TOKEN_FILE, then the
 * place where `login` stored it. The two variables are for one gateway only; see environment.ts.
 * @throws CommandError stage `sign-in` (not a token; a token that may be for a different gateway; plain http that was not
 * allowed), `keychain` or `file`
 */
export async function readAccessToken(
  gateway: GatewayUrl,
  context: StoreContext,
): Promise<FoundToken | undefined> {
  const { env } = context;
  const given = tokenFromEnvironment(gateway, env);
  const record = readGateways(env).signedIn.find(({ url }) => url === gateway);
  if (given === undefined && record === undefined) {
    const variable = unboundToken(env);
    if (variable !== undefined) throw tokenWithoutGateway(variable, gateway);
    return undefined;
  }
  refusePlainHttp(gateway, record?.allowPlainHttp === true || plainHttpAllowed(env));
  if (given !== undefined) return { token: given, source: "environment" };
  if (record?.tokenIn === "keychain") return readFromKeychain(gateway, context);
  const token = readTokenFile(gateway, env);
  return token === undefined ? undefined : { token, source: "file" };
}

/** The same, for commands that need one. */
export async function requireAccessToken(gateway: GatewayUrl, context: StoreContext): Promise<FoundToken> {
  const found = await readAccessToken(gateway, context);
  if (found !== undefined) return found;
  throw new CommandError(
    "sign-in",
    "unauthenticated",
    `You are not signed in at ${gateway}: run \`sallyport login ${gateway}\`.`,
  );
}

/** Where `saveAccessToken` put it. */
export type Saved =
  | { readonly tokenIn: "keychain" }
  | { readonly tokenIn: "file"; readonly path: string; readonly why: string };

/**
 * Keeps the token in the keychain, or in a private file if there is no keychain (or SALLYPORT_KEYCHAIN=off).
 * @throws CommandError stage `file`
 */
export async function saveAccessToken(
  gateway: GatewayUrl,
  token: AccessToken,
  facts: { readonly account: Name; readonly allowPlainHttp: boolean },
  context: StoreContext,
): Promise<Saved> {
  const { env } = context;
  const previous = readGateways(env).signedIn.find(({ url }) => url === gateway);
  const saved = await putSomewhere(gateway, token, context);
  const record: SignedIn = {
    url: gateway,
    ...facts,
    tokenIn: saved.tokenIn,
    signedInAt: new Date().toISOString(),
  };
  await changeGateways(env, (gateways) => withGateway(gateways, record));
  if (saved.tokenIn === "keychain") removeTokenFile(gateway, env);
  if (saved.tokenIn === "file" && previous?.tokenIn === "keychain") {
    // The keychain that holds the earlier token may be out of reach now; then that token stays there until it expires.
    await (await keychainOf(context)).delete(gateway).catch(() => {});
  }
  return saved;
}

/**
 * Removes the token and the record. Returns false if there was none.
 * @throws CommandError stage `keychain`: the record is gone, but the keychain still holds the token
 */
export async function forgetAccessToken(gateway: GatewayUrl, context: StoreContext): Promise<boolean> {
  const { env } = context;
  const record = readGateways(env).signedIn.find(({ url }) => url === gateway);
  removeTokenFile(gateway, env);
  if (record === undefined) return false;
  await changeGateways(env, (gateways) => withoutGateway(gateways, gateway));
  if (record.tokenIn === "keychain") await (await keychainOf(context)).delete(gateway);
  return true;
}

export function listGateways(env: Machine["env"]): readonly SignedIn[] {
  return readGateways(env).signedIn;
}

/**
 * The gateway that a command means: the argument, else SALLYPORT_GATEWAY, else the default gateway.
 * @throws ProtocolError bad_url; CommandError stage `config` if there is no default
 */
export function resolveGateway(argument: string | undefined, env: Machine["env"]): GatewayUrl {
  if (argument !== undefined) return parseGatewayUrl(argument);
  const named = env.SALLYPORT_GATEWAY;
  if (named !== undefined && named !== "") return parseGatewayUrl(named);
  const { default: chosen, signedIn } = readGateways(env);
  if (chosen !== undefined) return chosen;
  throw new CommandError(
    "config",
    "no_gateway",
    signedIn.length === 0
      ? "No gateway is known: run `sallyport login https://gateway.example`, or set SALLYPORT_GATEWAY."
      : "You are signed in at several gateways: choose one with --gateway URL or SALLYPORT_GATEWAY.",
  );
}

/** @throws CommandError stage `sign-in`, code `plain_http` */
export function refusePlainHttp(gateway: GatewayUrl, allowed: boolean): void {
  if (allowed || !isPlainRemote(gateway)) return;
  throw new CommandError(
    "sign-in",
    "plain_http",
    `${gateway} is plain http: everyone on the network could read your token. Use https, or accept that with ` +
      `\`sallyport login ${gateway} --allow-plain-http\` (SALLYPORT_ALLOW_PLAIN_HTTP=1).`,
  );
}

function plainHttpAllowed(env: Machine["env"]): boolean {
  return env.SALLYPORT_ALLOW_PLAIN_HTTP === "1";
}

/** @throws CommandError stage `sign-in` or `file` */
export function tokenFromEnvironment(gateway: GatewayUrl, env: Machine["env"]): AccessToken | undefined {
  const { SALLYPORT_TOKEN: token = "", SALLYPORT_TOKEN_FILE: path = "" } = env;
  if ((token === "" && path === "") || !isForGateway(gateway, env)) return undefined;
  return token === "" ? readGivenTokenFile(path) : parse(token, "SALLYPORT_TOKEN");
}

/** The person named this file, so its mode is theirs to choose: a mounted secret is often readable for a group. */
export function readGivenTokenFile(path: string): AccessToken {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : "EUNKNOWN";
    throw new CommandError("file", code, `Cannot read the token file ${path} (${code}).`, { cause });
  }
  return parse(text, path);
}

function parse(text: string, origin: string): AccessToken {
  try {
    return parseAccessToken(text.trim());
  } catch (cause) {
    throw new CommandError(
      "sign-in",
      "bad_token",
      `${origin} does not hold an access token (spt_…): it may be cut off or mistyped.`,
      { cause },
    );
  }
}

async function putSomewhere(gateway: GatewayUrl, token: AccessToken, context: StoreContext): Promise<Saved> {
  const { env } = context;
  let why = "SALLYPORT_KEYCHAIN=off";
  if (env.SALLYPORT_KEYCHAIN !== "off") {
    try {
      await (await keychainOf(context)).set(gateway, token);
      return { tokenIn: "keychain" };
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      why = error.message.replace(/\.$/, "");
    }
  }
  return { tokenIn: "file", path: writeTokenFile(gateway, token, env), why };
}

async function readFromKeychain(gateway: GatewayUrl, context: StoreContext): Promise<FoundToken> {
  const text = await (await keychainOf(context)).get(gateway);
  if (text !== undefined) return { token: parse(text, "The keychain"), source: "keychain" };
  // A locked keychain gives the same answer as one without the entry.
  throw new CommandError(
    "keychain",
    "keychain_no_entry",
    `You are signed in at ${gateway}, but the system's keychain does not give the token: unlock it (Keychain Access, Passwords and ` +
      `Keys, KWallet), or run \`sallyport login ${gateway}\` if the entry was removed there.`,
  );
}

async function keychainOf({ env, keychain }: StoreContext): Promise<Keychain> {
  return keychain ?? (await import("./keychain.ts")).systemKeychain({ env });
}
