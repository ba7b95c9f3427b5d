// Tells signed-in clients of all host keys of this gateway, and proves them when asked: `hostkeys-00@openssh.com` and
// `hostkeys-prove-00@openssh.com` (OpenSSH PROTOCOL §2.5). OpenSSH's UpdateHostKeys learns new keys by it and forgets
// those that are not named any more.

import ssh2, { type ParsedKey } from "ssh2";
import { MSG } from "../../../protocol/ssh/message-numbers.ts";
import { sshEcdsaSignature } from "../../../protocol/ssh/signature-format.ts";
import { encode, message, WireError, type WireReader } from "../../../protocol/ssh/wire.ts";
import type { HostKeys } from "../../host-keys/host-keys.ts";

export const HOST_KEYS = "hostkeys-00@openssh.com";
export const PROVE_HOST_KEYS = "hostkeys-prove-00@openssh.com";
/** A client asks for what it was told of and does not know: never more than there are. */
const MAX_ASKED = 16;

export interface HostKeyAnnouncement {
  /** The global request that tells of the keys; it wants no reply. */
  readonly announcement: Buffer;
  /**
   * REQUEST_SUCCESS's data, with a signature for each key that the request asks for; undefined: it asks for one that is
   * not ours.
   * @param hostKeyAlgorithm what this connection's key exchange was signed with
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

/** In SSH's form. RSA signs as the key exchange did, if that was by RSA: OpenSSH expects the same algorithm. */
function signature(key: ParsedKey, data: Buffer, hostKeyAlgorithm: string): Buffer {
  if (key.type === "ssh-ed25519") return encode(key.type, signed(key.sign(data)));
  if (key.type !== "ssh-rsa") return encode(key.type, sshEcdsaSignature(signed(key.sign(data))));
  const algorithm = hostKeyAlgorithm === "rsa-sha2-256" ? "rsa-sha2-256" : "rsa-sha2-512";
  return encode(algorithm, signed(key.sign(data, algorithm === "rsa-sha2-256" ? "sha256" : "sha512")));
}

function signed(result: Buffer | Error): Buffer {
  // Its types do not say so, but ssh2 returns errors.
  if (result instanceof Error) throw result;
  return result;
}
