// The arithmetic of mlkem768x25519-sha256 (draft-ietf-sshm-mlkem-hybrid-kex), for both roles. This key exchange stays secret as
// long as either ML-KEM-768 (FIPS 203) or X25519 holds, so recorded traffic cannot be decrypted once there are quantum
// computers. key-exchange.ts has ssh2 use it.

import { createHash, createPublicKey, diffieHellman, generateKeyPairSync, type KeyObject } from "node:crypto";
import { ml_kem768 } from "@noble/post-quantum/ml-kem.js";

/** Sizes in bytes (FIPS 203 table 3, RFC 7748). */
const KEM_PUBLIC_KEY = 1184;
const KEM_CIPHERTEXT = 1088;
const X25519_PUBLIC_KEY = 32;
export const CLIENT_INIT_LENGTH = KEM_PUBLIC_KEY + X25519_PUBLIC_KEY;
export const SERVER_REPLY_LENGTH = KEM_CIPHERTEXT + X25519_PUBLIC_KEY;

/** One side of one exchange. */
export interface HybridExchange {
  /** What this side sends: C_INIT, or S_REPLY once the secret is computed. */
  publicValue(): Buffer;
  /**
   * K, 32 bytes; a *string* wherever it is hashed, not an mpint.
   * @throws Error if the peer's value has the wrong length or is not a key: the key exchange fails
   */
  computeSecret(peerValue: Buffer): Buffer;
}

/** The client's side: generates both key pairs, and decapsulates the server's answer. */
export function hybridClient(): HybridExchange {
  const kem = ml_kem768.keygen();
  const classical = generateKeyPairSync("x25519");
  const init = Buffer.concat([kem.publicKey, rawX25519(classical.publicKey)]);
  return {
    publicValue: () => init,
    computeSecret(reply) {
      if (reply.length !== SERVER_REPLY_LENGTH) throw wrongLength(reply, SERVER_REPLY_LENGTH);
      const shared = ml_kem768.decapsulate(reply.subarray(0, KEM_CIPHERTEXT), kem.secretKey);
      return combined(shared, agree(classical.privateKey, reply.subarray(KEM_CIPHERTEXT)));
    },
  };
}

/** The server's side: encapsulates to the client's key. */
export function hybridServer(): HybridExchange {
  let reply: Buffer | undefined;
  return {
    publicValue() {
      if (reply === undefined) throw new Error("The server's value depends on the client's.");
      return reply;
    },
    computeSecret(init) {
      if (init.length !== CLIENT_INIT_LENGTH) throw wrongLength(init, CLIENT_INIT_LENGTH);
      // Throws if the key's numbers are not reduced, as FIPS 203 §7.2 requires.
      const { cipherText, sharedSecret } = ml_kem768.encapsulate(init.subarray(0, KEM_PUBLIC_KEY));
      const classical = generateKeyPairSync("x25519");
      const secret = combined(sharedSecret, agree(classical.privateKey, init.subarray(KEM_PUBLIC_KEY)));
      reply = Buffer.concat([cipherText, rawX25519(classical.publicKey)]);
      return secret;
    },
  };
}

/** K = HASH(K_PQ || K_CL) (§2.4 of the draft). */
function combined(postQuantum: Uint8Array, classical: Uint8Array): Buffer {
  return createHash("sha256").update(postQuantum).update(classical).digest();
}

/** OpenSSL throws if the result is all zeros, as RFC 8731 §3 requires. */
function agree(privateKey: KeyObject, peer: Buffer): Buffer {
  const publicKey = createPublicKey({
    format: "jwk",
    key: { kty: "OKP", crv: "X25519", x: peer.toString("base64url") },
  });
  return diffieHellman({ privateKey, publicKey });
}

function rawX25519(key: KeyObject): Buffer {
  return Buffer.from(key.export({ format: "jwk" }).x ?? "", "base64url");
}

function wrongLength(value: Buffer, expected: number): Error {
  return new Error(`The peer's value has ${value.length} bytes instead of ${expected}.`);
}
