// The gateways that a person is signed in at: everything about them that is not secret, in one JSON file. A companion reads it
// at each start, so it is parsed by hand: loading the schema library would take longer than all the rest.

import { homedir } from "node:os";
import { join } from "node:path";
import { type GatewayUrl, parseGatewayUrl } from "../../../protocol/values/gateway-url.ts";
import { isName, type Name } from "../../../protocol/values/name.ts";
import { CommandError } from "../command-error.ts";
import { withLock } from "../files/lock.ts";
import { readPrivateFile, writePrivateFile } from "../files/private-file.ts";
import { configDirectory, type Machine, thisMachine } from "../paths.ts";

export interface SignedIn {
  readonly url: GatewayUrl;
  readonly account: Name;
  /** Where the access token is kept: the only place that is asked for it. */
  readonly tokenIn: "keychain" | "file";
  /** The person accepted that the token is sent to this gateway without encryption. */
  readonly allowPlainHttp: boolean;
  /** ISO 8601. */
  readonly signedInAt: string;
}

export interface Gateways {
  /** Used by commands that name no gateway. */
  readonly default: GatewayUrl | undefined;
  readonly signedIn: readonly SignedIn[];
}

const NONE: Gateways = { default: undefined, signedIn: [] };
const MAX_GATEWAYS = 200;

export function stateDirectory(env: Machine["env"]): string {
  return configDirectory(thisMachine(env, homedir));
}

/** @throws CommandError stage `file`: unreadable, or not what Sallyport wrote */
export function readGateways(env: Machine["env"]): Gateways {
  const path = gatewaysFile(env);
  const text = readPrivateFile(path);
  if (text === undefined) return NONE;
  try {
    return parseGateways(JSON.parse(text));
  } catch (cause) {
    throw new CommandError(
      "file",
      "bad_gateways_file",
      `${path} was changed and cannot be read any more: move it away and sign in again.`,
      { cause },
    );
  }
}

/** Reads, changes and writes the file in one step, under a lock that all windows and terminals share. */
export async function changeGateways(
  env: Machine["env"],
  change: (gateways: Gateways) => Gateways,
): Promise<void> {
  const path = gatewaysFile(env);
  await withLock(`${path}.lock`, () => {
    const { default: chosen, signedIn } = change(readGateways(env));
    writePrivateFile(
      path,
      `${JSON.stringify({ version: 1, default: chosen ?? null, gateways: signedIn }, null, 2)}\n`,
    );
  });
}

/** Adds or replaces a gateway; the first one becomes the default. */
export function withGateway(gateways: Gateways, added: SignedIn): Gateways {
  return {
    default: gateways.default ?? added.url,
    signedIn: [...gateways.signedIn.filter(({ url }) => url !== added.url), added],
  };
}

/** Removes a gateway. If it was the default and only one is left, that one becomes the default. */
export function withoutGateway(gateways: Gateways, gone: GatewayUrl): Gateways {
  const signedIn = gateways.signedIn.filter(({ url }) => url !== gone);
  const only = signedIn.length === 1 ? signedIn[0]?.url : undefined;
  return { default: gateways.default === gone ? only : gateways.default, signedIn };
}

/** @throws Error that says what is wrong */
export function parseGateways(value: unknown): Gateways {
  if (!isRecord(value) || value.version !== 1) throw new Error("version is not 1");
  const { gateways, default: chosen } = value;
  if (!Array.isArray(gateways) || gateways.length > MAX_GATEWAYS) throw new Error("gateways is not a list");
  const signedIn = gateways.map(parseSignedIn);
  return { default: chosen === null ? undefined : parseGatewayUrl(chosen), signedIn };
}

function parseSignedIn(value: unknown): SignedIn {
  if (!isRecord(value)) throw new Error("a gateway is not an object");
  const { url, account, tokenIn, allowPlainHttp, signedInAt } = value;
  if (!isName(account)) throw new Error("account is not a name");
  if (tokenIn !== "keychain" && tokenIn !== "file") throw new Error("tokenIn is neither keychain nor file");
  if (typeof allowPlainHttp !== "boolean") throw new Error("allowPlainHttp is not true or false");
  if (typeof signedInAt !== "string" || Number.isNaN(Date.parse(signedInAt)))
    throw new Error("signedInAt is not a time");
  return { url: parseGatewayUrl(url), account, tokenIn, allowPlainHttp, signedInAt };
}

function gatewaysFile(env: Machine["env"]): string {
  return join(stateDirectory(env), "gateways.json");
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
