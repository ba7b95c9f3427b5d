// The algorithms that host and gateway agree to (RFC 4253 §7.1), in the order of preference. No SHA-1, no compression.

import type { Algorithms } from "ssh2";

/**
 * Post-quantum, and offered first by every connection that is prepared with prepareKeyExchange. ssh2 does not know it,
 * so it is not in the list that ssh2 is given.
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
 * Authenticated encryption first, by what it costs; CTR with HMAC for clients that have nothing else. For the
 * `algorithms` of an ssh2 `Server`.
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

/** What the gateway asks of hosts: AES-GCM first, which costs both ends the least where the CPU knows AES. */
export const CLIENT_ALGORITHMS = {
  kex: [...kex],
  cipher: ["aes128-gcm@openssh.com", ...cipher.filter((name) => name !== "aes128-gcm@openssh.com")],
  hmac: [...hmac],
} as const;
