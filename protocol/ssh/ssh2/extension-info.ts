// EXT_INFO (RFC 8308) of a server, in the place of ssh2's own: ssh2's `server-sig-algs` misses a comma and names SHA-1, and it
// comes a round trip late. It belongs right behind NEWKEYS (§2.4): libssh asks for nothing more once the key exchange has
// ended, and signs with an RSA key only if it knows by then that the server takes SHA-2.
//
// ssh2 uses its new keys in both directions at once, when the peer's NEWKEYS has come. Here the first key exchange of a
// server uses them for sending as soon as its own NEWKEYS is out, and for receiving when the peer says so.

import type { Duplex } from "node:stream";
import { MSG } from "../message-numbers.ts";
import { message } from "../wire.ts";
import { isAlive, type PrivateKeyExchange, type PrivateProtocol, sendMessage } from "./private.ts";

/** Announced in `server-sig-algs` (RFC 8308 §3.1): what authentication accepts, and no SHA-1. */
export const SIGNATURE_ALGORITHMS = [
  "ssh-ed25519",
  "sk-ssh-ed25519@openssh.com",
  "ecdsa-sha2-nistp256",
  "ecdsa-sha2-nistp384",
  "ecdsa-sha2-nistp521",
  "sk-ecdsa-sha2-nistp256@openssh.com",
  "rsa-sha2-512",
  "rsa-sha2-256",
] as const;

/** `ping@openssh.com` (OpenSSH PROTOCOL §1.10) is what clients hide keystroke timing with. */
const EXTENSIONS = extensionInfo({
  "server-sig-algs": SIGNATURE_ALGORITHMS.join(","),
  "ping@openssh.com": "0",
});

/** To be called when ssh2 has made the first key exchange of a server's connection, which is on `stream`. */
export function announceExtensions(
  protocol: PrivateProtocol,
  exchange: PrivateKeyExchange,
  stream: Duplex,
): void {
  const reply = exchange.finish;
  const replyAndAnnounce = (): unknown => {
    const result = Reflect.apply(reply, exchange, []);
    // ssh2 puts the second half in its place where the first has succeeded: it makes the keys, then uses them.
    const useKeys = exchange.finish;
    if (useKeys === begin || !isAlive(protocol) || !exchange.remoteExtInfoEnabled) return result;
    exchange.remoteExtInfoEnabled = false;
    const former = protocol._decipher;
    useKeys(true);
    const next = protocol._decipher;
    protocol._decipher = former;
    const complete = protocol._onHandshakeComplete;
    let details: unknown[] = [];
    protocol._onHandshakeComplete = (...values) => {
      details = values;
    };
    useKeys();
    protocol._onHandshakeComplete = complete;
    sendMessage(protocol, [EXTENSIONS], false);
    exchange.finish = () => {
      // Packets are numbered on, or from 0 with strict key exchange, which ssh2 has seen to.
      if (next !== undefined && former !== undefined) next.inSeqno = former.inSeqno;
      protocol._decipher = next;
      protocol._onHandshakeComplete(...details);
      return false;
    };
    return result;
  };
  const begin = (): unknown => {
    // libssh looks at what came together with NEWKEYS and at nothing behind it.
    stream.cork();
    try {
      return replyAndAnnounce();
    } finally {
      stream.uncork();
    }
  };
  exchange.finish = begin;
}

function extensionInfo(extensions: Readonly<Record<string, string>>): Buffer {
  const entries = Object.entries(extensions);
  return message(MSG.extInfo, entries.length, ...entries.flat());
}
