// Where a gateway's credential lies: the system's keychain, or a private file. All that changes it does so under one lock, so
// that two windows never renew it at once, and a renewal that is under way does not undo a sign-out.

import type { GatewayUrl } from "../../../protocol/values/gateway-url.ts";
import { CommandError } from "../command-error.ts";
import { withLock } from "../files/lock.ts";
import type { HttpAnswer, HttpRequest } from "../network/http-request.ts";
import type { Machine } from "../paths.ts";
import { type Credential, formatCredential, parseCredential } from "./credential.ts";
import type { SignedIn } from "./gateways.ts";
import type { Keychain } from "./keychain.ts";
import { readTokenFile, tokenFile, writeTokenFile } from "./token-file.ts";

export interface StoreContext {
  readonly env: Machine["env"];
  /** Used instead of the system's keychain. */
  readonly keychain?: Keychain;
  /** Sends requests to the gateway; absent: through the network that `env` configures. */
  readonly send?: (request: HttpRequest) => Promise<HttpAnswer>;
  readonly signal?: AbortSignal;
}

/** Where it was put. */
export type Saved =
  | { readonly tokenIn: "keychain" }
  | { readonly tokenIn: "file"; readonly path: string; readonly why: string };

/** A renewal waits for the network and for the keychain, which may ask the person first. */
const LOCK = { waitMs: 45_000, staleMs: 120_000 };

/** @throws CommandError stage `file`, code `locked` */
export async function whileLocked<T>(
  gateway: GatewayUrl,
  env: Machine["env"],
  work: () => Promise<T>,
): Promise<T> {
  return await withLock(`${tokenFile(gateway, env)}.lock`, work, LOCK);
}

/** undefined: the file is gone. @throws CommandError stage `keychain` or `file` */
export async function readStored(
  { url, tokenIn }: SignedIn,
  context: StoreContext,
): Promise<Credential | undefined> {
  if (tokenIn === "file") return readTokenFile(url, context.env);
  const text = await (await keychainOf(context)).get(url);
  if (text === undefined) {
    // A locked keychain gives the same answer as one without the entry.
    throw new CommandError(
      "keychain",
      "keychain_no_entry",
      `You are signed in at ${url}, but the system's keychain does not give the token: unlock it (Keychain Access, Passwords and ` +
        `Keys, KWallet), or run \`sallyport login ${url}\` if the entry was removed there.`,
    );
  }
  try {
    return parseCredential(text);
  } catch (cause) {
    const message = `The keychain does not hold an access token (spt_…) for ${url}: run \`sallyport login ${url}\`.`;
    throw new CommandError("sign-in", "bad_token", message, { cause });
  }
}

/** In the keychain, or in a private file if there is no keychain (or SALLYPORT_KEYCHAIN=off). @throws CommandError stage `file` */
export async function putSomewhere(
  gateway: GatewayUrl,
  credential: Credential,
  context: StoreContext,
): Promise<Saved> {
  const { env } = context;
  let why = "SALLYPORT_KEYCHAIN=off";
  if (env.SALLYPORT_KEYCHAIN !== "off") {
    try {
      await (await keychainOf(context)).set(gateway, formatCredential(credential));
      return { tokenIn: "keychain" };
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      why = error.message.replace(/\.$/, "");
    }
  }
  return { tokenIn: "file", path: writeTokenFile(gateway, credential, env), why };
}

export async function keychainOf({ env, keychain }: StoreContext): Promise<Keychain> {
  return keychain ?? (await import("./keychain.ts")).systemKeychain({ env });
}
