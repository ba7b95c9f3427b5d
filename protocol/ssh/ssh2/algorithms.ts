// The algorithms that host and gateway accept (RFC 4253 §7.1), in order of preference. No SHA-1, no compression.

import type { Algorithms } from "ssh2";

/**
 * A post-quantum key exchange, which every connection offers first after prepareKeyExchange. ssh2 does not know it, so the list
 * for ssh2 does not contain it.
 */
export const HYBRID_KEY_EXCHANGE = "mlkem768x25519-sha256";

const kex = [
  "curve25519-sha256",
  "curve25519-sha256@libssh.org",
  "ecdh-sha2-nistp256",
  "ecdh-sha2-nistp384",
  "ecdh-sha2-nistp521",
  "diffie-hellman-group16-sha512",
  "diffie-hellman-group14-sha256",
] as const;

const cipher = [
  "chacha20-poly1305@openssh.com",
  "aes128-gcm@openssh.com",
  "aes256-gcm@openssh.com",
  "aes256-ctr",
  "aes128-ctr",
] as const;

const hmac = [
  "hmac-sha2-256-etm@openssh.com",
  "hmac-sha2-512-etm@openssh.com",
  "hmac-sha2-256",
  "hmac-sha2-512",
] as const;

/**
 * For the `algorithms` of an ssh2 `Server`. Authenticated encryption comes first, the cheapest before the others; CTR with HMAC
 * is for clients that have nothing else.
 */
export const SERVER_ALGORITHMS: Algorithms = {
  kex: [...kex],
  serverHostKey: [
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "rsa-sha2-512",
    "rsa-sha2-256",
  ],
  cipher: [...cipher],
  hmac: [...hmac],
  compress: ["none"],
};

/** What the gateway offers to hosts: AES-GCM first, the cheapest for both ends if the CPU has AES instructions. */
export const CLIENT_ALGORITHMS = {
  kex: [...kex],
  cipher: ["aes128-gcm@openssh.com", ...cipher.filter((name) => name !== "aes128-gcm@openssh.com")],
  hmac: [...hmac],
} as const;
