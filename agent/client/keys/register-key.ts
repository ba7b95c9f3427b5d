// Registers a public key in the person's account at a gateway: names the key, then proves it by a signature.

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
  /** At most 100 characters; undefined: no title. */
  readonly title: string | undefined;
}

type Api = Pick<GatewayApi, "discovery" | "me" | "addKey" | "addKeyUnproved" | "proveKey">;

export interface NamedKey {
  readonly added: AddedKey;
  readonly discovery: Discovery;
}

/**
 * Names the key at the gateway, where it is a pending key until it is proved. Older gateways register it at once.
 * @throws CommandError
 */
export async function nameKey(api: Api, { key, title: given }: KeyToRegister): Promise<NamedKey | Key> {
  // The comment of a key may contain characters that a title may not, such as the joiners of an emoji.
  const title = given === undefined ? undefined : printable(given);
  const line = formatPublicKey({ ...key, comment: "" });
  const discovery = await api.discovery();
  if (!discovery.capabilities.includes("key-proofs")) return await api.addKeyUnproved(line, title);
  return { added: await api.addKey(line, title), discovery };
}

/**
 * Registers a key whose private key is on this machine.
 * @throws CommandError; code `not_proved` if the key was named but not proved, with the other means to prove it
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
    // Only if signing failed on this machine: the gateway explains its own refusals.
    if (!(error instanceof CommandError) || !["ssh", "config"].includes(error.stage)) throw error;
    const message = `${error.message} ${waysToProve(added, discovery.ssh)}`;
    throw new CommandError(error.stage, "not_proved", message, { cause: error });
  }
}

/** Tells a person how to prove a pending key. */
export function waysToProve({ code, fingerprint }: PendingKey, ssh: Discovery["ssh"]): string {
  const command = proveCommand(ssh);
  const bySsh =
    command === undefined
      ? ""
      : `, or run \`${command}\` with it and type the code ${code} when you are asked`;
  return `${fingerprint} waits for its proof and opens nothing yet: run \`sallyport keys add\` on the machine that has its private key${bySsh}.`;
}

/**
 * The gateway's public URL, which a proof is for. A server that is reached by a different URL may be passing on messages of the
 * real gateway: a signature for it could register the key in somebody else's account there.
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
    `This gateway's public URL is ${published.slice(0, 200)}, not ${gateway}, and a key is proved for one URL: sign in there (\`sallyport login\`), or ask its administrator to set --public-url.`,
  );
}

/** Whether two URLs differ only in the name of this machine, such as `localhost` and `127.0.0.1`. */
function bothLoopback(a: GatewayUrl, b: GatewayUrl): boolean {
  const [first, second] = [new URL(a), new URL(b)];
  if (!isLoopback(first.hostname) || !isLoopback(second.hostname)) return false;
  second.hostname = first.hostname;
  return first.href === second.href;
}
