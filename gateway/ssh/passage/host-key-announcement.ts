// Announces all host keys of this gateway to signed-in clients, and proves them on request:
// `hostkeys-00@openssh.com` and `hostkeys-prove-00@openssh.com` (OpenSSH PROTOCOL §2.5). So OpenSSH's
// UpdateHostKeys learns new keys and forgets keys that are no longer announced.

import ssh2, { type ParsedKey } from "ssh2";
import { MSG } from "../../../protocol/ssh/message-numbers.ts";
import { sshEcdsaSignature } from "../../../protocol/ssh/signature-format.ts";
import { encode, message, WireError, type WireReader } from "../../../protocol/ssh/wire.ts";
import type { HostKeys } from "../../host-keys/host-keys.ts";

export const HOST_KEYS = "hostkeys-00@openssh.com";
export const PROVE_HOST_KEYS = "hostkeys-prove-00@openssh.com";
/** A client asks only for announced keys that it does not know, so never for more than there are. */
const MAX_ASKED = 16;

export interface HostKeyAnnouncement {
  /** The global request that announces the keys. It wants no reply. */
  readonly announcement: Buffer;
  /**
   * The data of REQUEST_SUCCESS: a signature by each key that the request names. undefined: one of them is
   * not ours, or there are none.
   * @param hostKeyAlgorithm the algorithm that signed this connection's key exchange
   */
  prove(request: WireReader, sessionId: Buffer, hostKeyAlgorithm: string): Buffer | undefined;
}

export function createHostKeyAnnouncement(keys: HostKeys): HostKeyAnnouncement {
  const sets = [keys, keys.next, keys.former].filter((set) => set !== null);
  const own = new Map<string, ParsedKey>();
  for (const text of sets.flatMap(({ privateKeys }) => privateKeys)) {
    const key = ssh2.utils.parseKey(text);
    if (key instanceof Error) throw key;
    own.set(key.getPublicSSH().toString("base64"), key);
  }
  const blobs = [...own.keys()].map((blob) => Buffer.from(blob, "base64"));
  return {
    announcement: Buffer.concat([
      message(MSG.globalRequest, HOST_KEYS, false),
      ...blobs.map((blob) => encode(blob)),
    ]),
    prove(request, sessionId, hostKeyAlgorithm) {
      const signatures: Buffer[] = [];
      while (!request.done) {
        if (signatures.length === MAX_ASKED) throw new WireError("More host keys than there are.");
        const blob = request.string();
        const key = own.get(blob.toString("base64"));
        if (key === undefined) return undefined;
        signatures.push(signature(key, encode(PROVE_HOST_KEYS, sessionId, blob), hostKeyAlgorithm));
      }
      return signatures.length === 0 ? undefined : encode(...signatures);
    },
  };
}

/**
 * In SSH's form. If the key exchange was signed with RSA, RSA keys use the same algorithm, as OpenSSH
 * expects.
 */
function signature(key: ParsedKey, data: Buffer, hostKeyAlgorithm: string): Buffer {
  if (key.type === "ssh-ed25519") return encode(key.type, signed(key.sign(data)));
  if (key.type !== "ssh-rsa") return encode(key.type, sshEcdsaSignature(signed(key.sign(data))));
  const algorithm = hostKeyAlgorithm === "rsa-sha2-256" ? "rsa-sha2-256" : "rsa-sha2-512";
  return encode(algorithm, signed(key.sign(data, algorithm === "rsa-sha2-256" ? "sha256" : "sha512")));
}

function signed(result: Buffer | Error): Buffer {
  // ssh2 returns errors, although its types do not say so.
  if (result instanceof Error) throw result;
  return result;
}
