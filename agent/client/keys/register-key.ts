// Puts a public key of the person into their account at a gateway: names it, and proves it by a signature.

import type { AddedKey, Discovery, Key, PendingKey } from "../../../protocol/api.ts";
import { ProtocolError } from "../../../protocol/errors.ts";
import { KEY_PROOF_NAMESPACE, keyProofText, proveCommand } from "../../../protocol/key-proof.ts";
import { type GatewayUrl, isLoopback, parseGatewayUrl } from "../../../protocol/values/gateway-url.ts";
import { parseName } from "../../../protocol/values/name.ts";
import { printable } from "../../../protocol/values/printable.ts";
import { formatPublicKey } from "../../../protocol/values/ssh-public-key.ts";
import { CommandError } from "../../platform/command-error.ts";
import type { GatewayApi } from "../gateway-api.ts";
import { type RunKeygen, type SigningKey, signProof } from "./sign-proof.ts";

export interface KeyToRegister extends SigningKey {
  /** At most 100 characters; undefined: the gateway takes the comment, of which there is none here. */
  readonly title: string | undefined;
}

type Api = Pick<GatewayApi, "discovery" | "me" | "addKey" | "addKeyUnproved" | "proveKey">;

export interface NamedKey {
  readonly added: AddedKey;
  readonly discovery: Discovery;
}

/**
 * Names the key at the gateway, where it waits for its proof. A gateway of before takes it at once.
 * @throws CommandError
 */
export async function nameKey(api: Api, { key, title: given }: KeyToRegister): Promise<NamedKey | Key> {
  // Comments of keys have characters in them that no title has, such as the joiners of an emoji.
  const title = given === undefined ? undefined : printable(given);
  const line = formatPublicKey({ ...key, comment: "" });
  const discovery = await api.discovery();
  if (!discovery.capabilities.includes("key-proofs")) return await api.addKeyUnproved(line, title);
  return { added: await api.addKey(line, title), discovery };
}

/**
 * Registers a key whose private half is here.
 * @throws CommandError; where it was named and not proved, `not_proved`, with the other ways to prove it
 */
export async function registerKey(
  api: Api,
  gateway: GatewayUrl,
  wanted: KeyToRegister,
  run: RunKeygen,
): Promise<Key> {
  const named = await nameKey(api, wanted);
  if (!("added" in named)) return named;
  const { added, discovery } = named;
  try {
    const proof = {
      gateway: sameGateway(gateway, discovery.publicUrl),
      account: parseName((await api.me()).account.name),
      fingerprint: wanted.key.fingerprint,
      nonce: added.nonce,
    };
    const signature = await signProof(keyProofText(proof), KEY_PROOF_NAMESPACE, wanted, run);
    return await api.proveKey(added.id, signature);
  } catch (error) {
    // Only what went wrong here, with the signature: what the gateway refuses, it explains.
    if (!(error instanceof CommandError) || !["ssh", "config"].includes(error.stage)) throw error;
    const message = `${error.message} ${waysToProve(added, discovery.ssh)}`;
    throw new CommandError(error.stage, "not_proved", message, { cause: error });
  }
}

/** What a person can do with a key that is named and not proved. */
export function waysToProve({ code, fingerprint }: PendingKey, ssh: Discovery["ssh"]): string {
  const command = proveCommand(ssh);
  const bySsh =
    command === undefined
      ? ""
      : `, or run \`${command}\` with it and type the code ${code} when you are asked`;
  return `${fingerprint} waits for its proof and opens nothing yet: run \`sallyport keys add\` where its private half is${bySsh}.`;
}

/**
 * The gateway's public URL, which a proof is for. One that is reached by a different URL may be any server that passes on
 * what it got from the true one: signing for it would put the key into an account of somebody else's there.
 */
function sameGateway(gateway: GatewayUrl, published: string): GatewayUrl {
  let publicUrl: GatewayUrl | undefined;
  try {
    publicUrl = parseGatewayUrl(published);
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
  }
  if (publicUrl !== undefined && (publicUrl === gateway || bothLoopback(publicUrl, gateway)))
    return publicUrl;
  throw new CommandError(
    "config",
    "other_public_url",
    `This gateway calls itself ${published.slice(0, 200)}, not ${gateway}, and a key is proved for one URL: sign in there (\`sallyport login\`), or have its administrator set --public-url.`,
  );
}

/** `localhost` and `127.0.0.1` at one port are one listener. */
function bothLoopback(a: GatewayUrl, b: GatewayUrl): boolean {
  const [first, second] = [new URL(a), new URL(b)];
  if (!isLoopback(first.hostname) || !isLoopback(second.hostname)) return false;
  second.hostname = first.hostname;
  return first.href === second.href;
}
