// Finds and keeps the credential for a gateway: in the environment, the system's keychain, or a private file. What one gets is an
// access token that is valid for a minute at least: it is renewed first where that is possible.

import { readFileSync } from "node:fs";
import { type GatewayUrl, isPlainRemote, parseGatewayUrl } from "../../../protocol/values/gateway-url.ts";
import type { Name } from "../../../protocol/values/name.ts";
import { type AccessToken, parseAccessToken } from "../../../protocol/values/token.ts";
import { CommandError } from "../command-error.ts";
import type { Machine } from "../paths.ts";
import { type Credential, isFresh, type Renewal } from "./credential.ts";
import { isForGateway, tokenWithoutGateway, unboundToken } from "./environment.ts";
import { changeGateways, readGateways, type SignedIn, withGateway, withoutGateway } from "./gateways.ts";
import {
  keychainOf,
  putSomewhere,
  readStored,
  type Saved,
  type StoreContext,
  whileLocked,
} from "./stored-credential.ts";
import { removeTokenFile } from "./token-file.ts";

export type { SignedIn } from "./gateways.ts";
export type { Saved, StoreContext } from "./stored-credential.ts";

export interface FoundToken {
  readonly token: AccessToken;
  readonly source: "environment" | "keychain" | "file";
  /** When it expires, where it can be renewed then. */
  readonly renewable?: Pick<Renewal, "accessExpiresAt" | "signIn"> | undefined;
}

/**
 * The access token for `gateway`; undefined if there is none. Looks at SALLYPORT_TOKEN, then SALLYPORT_TOKEN_FILE, then the
 * place where `login` stored it. The two variables are for one gateway only; see environment.ts.
 * @param refused a token that the gateway does not take: this machine's clock may be wrong, or somebody signed in again. It is
 *   renewed whatever its expiry says; the result is the same token where nothing can renew it
 * @throws CommandError stage `sign-in` (not a token; a token that may be for a different gateway; plain http that was not
 * allowed; sign_in_ended), `keychain` or `file`; the network's, where an expired one could not be renewed
 */
export async function readAccessToken(
  gateway: GatewayUrl,
  context: StoreContext,
  refused?: AccessToken,
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
  return record === undefined ? undefined : await readRecorded(record, context, refused);
}

async function readRecorded(
  record: SignedIn,
  context: StoreContext,
  refused: AccessToken | undefined,
): Promise<FoundToken | undefined> {
  const stored = await readStored(record, context);
  if (stored === undefined) return undefined;
  if (isFresh(stored.renewal) && (stored.renewal === undefined || stored.access !== refused)) {
    return found(stored, record.tokenIn);
  }
  const { renewStored } = await import("./renew.ts");
  const renewed = await renewStored(record.url, context, refused);
  return renewed === undefined ? undefined : found(renewed.credential, renewed.tokenIn);
}

function found({ access, renewal }: Credential, source: SignedIn["tokenIn"]): FoundToken {
  return { token: access, source, renewable: renewal };
}

/** The same, for commands that need one. */
export async function requireAccessToken(
  gateway: GatewayUrl,
  context: StoreContext,
  refused?: AccessToken,
): Promise<FoundToken> {
  const found = await readAccessToken(gateway, context, refused);
  if (found !== undefined) return found;
  throw new CommandError(
    "sign-in",
    "unauthenticated",
    `You are not signed in at ${gateway}: run \`sallyport login ${gateway}\`.`,
  );
}

/** What `login` stored, as it is; undefined: nothing. @throws CommandError stage `keychain` or `file` */
export async function readStoredCredential(
  gateway: GatewayUrl,
  context: StoreContext,
): Promise<Credential | undefined> {
  const record = readGateways(context.env).signedIn.find(({ url }) => url === gateway);
  return record === undefined ? undefined : await readStored(record, context);
}

export interface Facts {
  readonly account: Name;
  readonly allowPlainHttp: boolean;
}

/** The same as `saveCredential`, for a token that nothing renews. */
export async function saveAccessToken(
  gateway: GatewayUrl,
  token: AccessToken,
  facts: Facts,
  context: StoreContext,
): Promise<Saved> {
  return await saveCredential(gateway, { access: token }, facts, context);
}

/**
 * Keeps the credential in the keychain, or in a private file if there is no keychain (or SALLYPORT_KEYCHAIN=off).
 * @throws CommandError stage `file`
 */
export async function saveCredential(
  gateway: GatewayUrl,
  credential: Credential,
  { account, allowPlainHttp }: Facts,
  context: StoreContext,
): Promise<Saved> {
  const { env } = context;
  return await whileLocked(gateway, env, async () => {
    const previous = readGateways(env).signedIn.find(({ url }) => url === gateway);
    const saved = await putSomewhere(gateway, credential, context);
    const record: SignedIn = {
      url: gateway,
      account,
      allowPlainHttp,
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
  });
}

/**
 * Removes the credential and the record. Returns false if there was none.
 * @throws CommandError stage `keychain`: the record is gone, but the keychain still holds the token
 */
export async function forgetAccessToken(gateway: GatewayUrl, context: StoreContext): Promise<boolean> {
  const { env } = context;
  if (!readGateways(env).signedIn.some(({ url }) => url === gateway)) {
    removeTokenFile(gateway, env);
    return false;
  }
  return await whileLocked(gateway, env, async () => {
    const record = readGateways(env).signedIn.find(({ url }) => url === gateway);
    removeTokenFile(gateway, env);
    if (record === undefined) return false;
    await changeGateways(env, (gateways) => withoutGateway(gateways, gateway));
    if (record.tokenIn === "keychain") await (await keychainOf(context)).delete(gateway);
    return true;
  });
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
