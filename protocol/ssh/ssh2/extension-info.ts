// A server's EXT_INFO (RFC 8308), instead of ssh2's own: ssh2's `server-sig-algs` lacks a comma and names SHA-1, and it is sent
// a round trip late. It belongs right after NEWKEYS (§2.4): libssh reads nothing more once the key exchange has ended, and signs
// with an RSA key only if it knows by then that the server accepts SHA-2.
//
// ssh2 starts to use new keys in both directions at once, when the peer's NEWKEYS has come. In a server's first key exchange,
// this file has it use them for sending as soon as its own NEWKEYS was sent, and for receiving when the peer's has come.

import type { Duplex } from "node:stream";
import { MSG } from "../message-numbers.ts";
import { message } from "../wire.ts";
import { isAlive, type PrivateKeyExchange, type PrivateProtocol, sendMessage } from "./private.ts";

/** For `server-sig-algs` (RFC 8308 §3.1): what sign-in accepts. No SHA-1. */
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

/** Clients use `ping@openssh.com` (OpenSSH PROTOCOL §1.10) to hide keystroke timing. */
const EXTENSIONS = extensionInfo({
  "server-sig-algs": SIGNATURE_ALGORITHMS.join(","),
  "ping@openssh.com": "0",
});

/** To be called when ssh2 has created the first key exchange of a server's connection. @param stream the connection's */
export function announceExtensions(
  protocol: PrivateProtocol,
  exchange: PrivateKeyExchange,
  stream: Duplex,
): void {
  const reply = exchange.finish;
  const replyAndAnnounce = (): unknown => {
    const result = Reflect.apply(reply, exchange, []);
    // If the first half has succeeded, ssh2 has replaced `finish` by the second: it derives the keys, then uses them.
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
      // Sequence numbers continue, or start at 0 with strict key exchange; ssh2 has taken care of that.
      if (next !== undefined && former !== undefined) next.inSeqno = former.inSeqno;
      protocol._decipher = next;
      protocol._onHandshakeComplete(...details);
      return false;
    };
    return result;
  };
  const begin = (): unknown => {
    // libssh handles what came together with NEWKEYS, and nothing that comes later.
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
