// Intercepts the peer's KEXINIT before ssh2, in each key exchange of a connection. It adds the post-quantum method, which ssh2
// does not know, and refuses what is unsafe without strict key exchange (CVE-2023-48795, "Terrapin").
//
// ssh2 creates its exchange object from names that it knows. If the peers agree on the hybrid method, ssh2 is given a KEXINIT
// that says curve25519-sha256 instead; the object that it creates then gets the hybrid's arithmetic and the peer's real KEXINIT,
// which the exchange hash covers. This side's own KEXINIT is sent as it is: ssh2 offers whatever it is told.

import type { Duplex } from "node:stream";
import kexModule from "ssh2/lib/protocol/kex.js";
import { DISCONNECT, MSG } from "../message-numbers.ts";
import { encode, WireError, WireReader } from "../wire.ts";
import { HYBRID_KEY_EXCHANGE } from "./algorithms.ts";
import { announceExtensions } from "./extension-info.ts";
import { type HybridExchange, hybridClient, hybridServer } from "./hybrid-key-exchange.ts";
import {
  fail,
  type PrivateKeyExchange,
  type PrivateOffer,
  type PrivateProtocol,
  unexpectedVersion,
} from "./private.ts";

/** The method that ssh2 is told instead of the hybrid: it has the same hash, and its object's methods are replaced. */
const STAND_IN = "curve25519-sha256";
/** Entries in the list of key exchange methods that are not methods (RFC 8308 §2.1, OpenSSH PROTOCOL §1.9). */
const MARKERS = ["ext-info-c", "ext-info-s", "kex-strict-c-v00@openssh.com", "kex-strict-s-v00@openssh.com"];

/** The peers have no algorithms in common that are safe together. That is an outdated client, not an attack. */
class DisagreementError extends Error {
  override readonly name = "DisagreementError";
}

/** Whether a connection ended because of this. ssh2's own error is recognised by its message. */
export function isDisagreement(error: Error): boolean {
  return error instanceof DisagreementError || error.message.startsWith("Handshake failed: no matching ");
}

/**
 * To be called after the peer's version line has come and before ssh2 sends its KEXINIT: in a server's `connection` event, or in
 * a protocol's `onHeader`.
 * @param begun is called once, when the first key exchange begins
 */
export function prepareKeyExchange(protocol: PrivateProtocol, stream: Duplex, begun: () => void): void {
  protocol._offer = ourOffer(protocol._offer);

  /** The peer's real KEXINIT, while ssh2 is given a changed one. */
  let replaced: { readonly kexInit: Buffer; readonly hybrid: boolean } | undefined;
  let exchange: PrivateKeyExchange | undefined = protocol._kex;
  Object.defineProperty(protocol, "_kex", {
    configurable: true,
    enumerable: true,
    get: () => exchange,
    set(next: PrivateKeyExchange | undefined) {
      if (exchange === undefined && next !== undefined && protocol._server)
        announceExtensions(protocol, next, stream);
      exchange = next;
      if (next === undefined || replaced === undefined) return;
      next._remoteKexinit = replaced.kexInit;
      if (replaced.hybrid) install(next, protocol._server ? hybridServer() : hybridClient());
    },
  });

  /** Why this client may not sign in. Its keys are exchanged all the same, which is all that ssh-keyscan needs. */
  let unsafe: string | undefined;
  let isFirst = true;
  const receive = (payload: Buffer, toSsh2: (payload: Buffer) => unknown): unknown => {
    const type = payload[0] ?? 0;
    if (unsafe !== undefined && (type === MSG.serviceRequest || type >= MSG.userAuthRequest)) {
      return fail(protocol, DISCONNECT.keyExchangeFailed, new DisagreementError(unsafe));
    }
    if (type !== MSG.kexInit) return toSsh2(payload);
    const agreement = agree(protocol, payload);
    if (agreement.problem !== undefined && !(protocol._server && isFirst)) {
      return fail(protocol, DISCONNECT.keyExchangeFailed, new DisagreementError(agreement.problem));
    }
    unsafe = agreement.problem;
    if (isFirst) begun();
    isFirst = false;
    // Copied, since ssh2 may reuse the memory of its packets.
    replaced = { kexInit: Buffer.from(payload), hybrid: agreement.hybrid };
    try {
      return toSsh2(agreement.kexInit);
    } finally {
      replaced = undefined;
    }
  };

  // The first exchange has a decipher of its own; later ones come like all other messages.
  const decipher = protocol._decipher;
  if (decipher === undefined) throw unexpectedVersion();
  const first = decipher._onPayload;
  decipher._onPayload = (payload) => receive(payload, first);
  const later = protocol._onPayload;
  protocol._onPayload = (payload) => receive(payload, later);
}

const offers = new WeakMap<PrivateOffer, PrivateOffer>();

/**
 * The same offer with the hybrid method first, and without signatures that use SHA-1, which ssh2 offers for every RSA host key.
 * Created once per server, since its connections share their offer.
 */
function ourOffer(offer: PrivateOffer): PrivateOffer {
  const { kex, serverHostKey, cs, sc } = offer.lists;
  if (kex.array.includes(HYBRID_KEY_EXCHANGE) || !kex.array.includes(STAND_IN)) return offer;
  const made = offers.get(offer);
  if (made !== undefined) return made;
  const direction = ({ cipher, mac, compress, lang }: typeof cs) => ({
    cipher: cipher.array,
    mac: mac.array,
    compress: compress.array,
    lang: lang.array,
  });
  const next: unknown = new kexModule.KexInit({
    kex: [HYBRID_KEY_EXCHANGE, ...kex.array],
    serverHostKey: serverHostKey.array.filter((name) => name !== "ssh-rsa"),
    cs: direction(cs),
    sc: direction(sc),
  });
  if (!isOffer(next)) throw unexpectedVersion();
  offers.set(offer, next);
  return next;
}

function isOffer(value: unknown): value is PrivateOffer {
  return typeof value === "object" && value !== null && "lists" in value && "copyAllTo" in value;
}

/** Has ssh2's exchange object, which was created for the stand-in, do the hybrid method. */
function install(exchange: PrivateKeyExchange, hybrid: HybridExchange): void {
  exchange.type = "mlkem768x25519";
  exchange.hashName = "sha256";
  exchange.negotiated.kex = HYBRID_KEY_EXCHANGE;
  exchange.getPublicKey = () => hybrid.publicValue();
  exchange.convertPublicKey = (key) => key;
  exchange.computeSecret = (peerValue) => {
    try {
      return hybrid.computeSecret(peerValue);
    } catch (error) {
      // If an error is returned, the exchange has failed for ssh2, and it disconnects.
      return error instanceof Error ? error : new Error(String(error));
    }
  };
}

interface Agreement {
  /** Why it is unsafe; undefined: it is safe. */
  readonly problem: string | undefined;
  /** The KEXINIT for ssh2. */
  readonly kexInit: Buffer;
  readonly hybrid: boolean;
}

/** What both sides will agree on (RFC 4253 §7.1): the client's first name that the server has too. */
function agree(protocol: PrivateProtocol, payload: Buffer): Agreement {
  const remote = parseKexInit(payload);
  // ssh2 refuses what cannot be read.
  if (remote === undefined) return { problem: undefined, kexInit: payload, hybrid: false };
  const { kex, serverHostKey, cs, sc } = protocol._offer.lists;
  const choose = (local: readonly string[], theirs: readonly string[]) => {
    const [client, server] = protocol._server ? [theirs, local] : [local, theirs];
    return client.find((name) => server.includes(name));
  };
  const theirMarker = protocol._server ? "kex-strict-c-v00@openssh.com" : "kex-strict-s-v00@openssh.com";
  const strict = protocol._strictMode ?? remote.kex.includes(theirMarker);
  let problem: string | undefined;
  if (!strict) {
    for (const [local, theirs] of [
      [cs, remote.cs],
      [sc, remote.sc],
    ] as const) {
      const cipher = choose(local.cipher.array, theirs.cipher);
      const mac = choose(local.mac.array, theirs.mac);
      const unsafe = unsafeWithoutStrict(cipher, mac);
      if (unsafe !== undefined) {
        problem ??= `${unsafe} is not safe without strict key exchange (CVE-2023-48795): update, or use aes128-gcm@openssh.com.`;
      }
    }
  }
  const hybrid = choose(kex.array, remote.kex) === HYBRID_KEY_EXCHANGE;
  const methods = hybrid ? [STAND_IN, ...remote.kex.filter((name) => MARKERS.includes(name))] : remote.kex;
  const kexInit = Buffer.concat([
    payload.subarray(0, KEX_LIST),
    encode(methods.join(",")),
    payload.subarray(remote.afterKex),
  ]);
  // ssh2 takes every guess for a wrong one, and would skip the guessed packet (RFC 4253 §7).
  const isGuessRight = remote.kex[0] === kex.array[0] && remote.hostKey[0] === serverHostKey.array[0];
  if (isGuessRight && kexInit.length >= GUESS_FROM_END) kexInit[kexInit.length - GUESS_FROM_END] = 0;
  return { problem, kexInit, hybrid };
}

/** The attack needs a cipher whose state survives a lost packet: ChaCha20-Poly1305, or any with an EtM MAC. */
function unsafeWithoutStrict(cipher: string | undefined, mac: string | undefined): string | undefined {
  if (cipher === "chacha20-poly1305@openssh.com") return cipher;
  const hasOwnMac = cipher?.endsWith("-gcm@openssh.com") === true;
  return !hasOwnMac && mac?.endsWith("-etm@openssh.com") === true ? mac : undefined;
}

interface KexInit {
  readonly kex: readonly string[];
  readonly hostKey: readonly string[];
  readonly cs: { readonly cipher: readonly string[]; readonly mac: readonly string[] };
  readonly sc: { readonly cipher: readonly string[]; readonly mac: readonly string[] };
  /** Where the list of key exchange methods ends. */
  readonly afterKex: number;
}

/** Where the lists begin: after the message number and the cookie. */
const KEX_LIST = 1 + 16;
/** first_kex_packet_follows, counted from the end: a reserved uint32 follows it. */
const GUESS_FROM_END = 5;

function parseKexInit(payload: Buffer): KexInit | undefined {
  try {
    const reader = new WireReader(payload, KEX_LIST);
    const names = () => reader.string().toString("latin1").split(",");
    const kex = names();
    const afterKex = KEX_LIST + 4 + payload.readUInt32BE(KEX_LIST);
    const hostKey = names();
    const cipher = [names(), names()] as const;
    const mac = [names(), names()] as const;
    return {
      kex,
      hostKey,
      cs: { cipher: cipher[0], mac: mac[0] },
      sc: { cipher: cipher[1], mac: mac[1] },
      afterKex,
    };
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    return undefined;
  }
}
