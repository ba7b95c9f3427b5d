// The client's side of SSH over a stream: it connects to a host whose keys are known, signs in with a certificate, and passes on
// the connection protocol packet by packet. The gateway uses it for re-origination.
//
// It builds on ssh2's protocol, not on ssh2's client, which would add channels, keepalives and requests of its own, and writes
// the certificate's algorithm where the signature's format belongs, which peers refuse.

import { type KeyObject, sign } from "node:crypto";
import type { Duplex } from "node:stream";
import cryptoModule from "ssh2/lib/protocol/crypto.js";
import Protocol from "ssh2/lib/protocol/Protocol.js";
import { endThenDestroy } from "../../flow/end-then-destroy.ts";
import { parsePublicKey } from "../../values/ssh-public-key.ts";
import { ED25519_CERTIFICATE } from "../certificate.ts";
import { MSG } from "../message-numbers.ts";
import { encode, message, WireError, WireReader } from "../wire.ts";
import { CLIENT_ALGORITHMS } from "./algorithms.ts";
import { checkedProtocol, type PrivateProtocol, sendMessage } from "./private.ts";
import { type CarriedPackets, carryPackets, type PacketReceiver, type PacketTransport } from "./transport.ts";

export interface OriginateOptions {
  /** The user name to sign in with. */
  readonly userName: string;
  /** An Ed25519 certificate in wire form, and its private key. */
  readonly certificate: Buffer;
  readonly privateKey: KeyObject;
  /** In authorized_keys form. The host has to prove that it holds one of these keys. */
  readonly hostKeys: readonly string[];
  readonly receiver: PacketReceiver;
  /** Called once the host has accepted the sign-in, before the receiver gets anything. */
  signedIn?(connection: OriginatedConnection): void;
  readonly signal: AbortSignal;
  /** Sent after `SSH-2.0-`. */
  readonly identification: string;
  /** For everything up to and including the sign-in. */
  readonly timeLimitMs?: number;
}

export interface OriginatedConnection {
  readonly transport: PacketTransport;
  /** The host answers `ping@openssh.com` (OpenSSH PROTOCOL §1.10). */
  readonly answersPing: boolean;
}

/** The connection failed, at `step`. */
export class OriginateError extends Error {
  override readonly name = "OriginateError";
  readonly step: "version" | "key-exchange" | "host-key" | "sign-in";

  constructor(step: OriginateError["step"], message: string, options?: ErrorOptions) {
    super(message, options);
    this.step = step;
  }
}

const TIME_LIMIT_MS = 10_000;

/**
 * Resolves once signed in; the receiver may have got its first packets by then. On failure the stream is destroyed.
 * @throws OriginateError
 */
export async function originate(stream: Duplex, options: OriginateOptions): Promise<OriginatedConnection> {
  await cryptoModule.init;
  return new Promise((resolve, reject) => {
    let step: OriginateError["step"] = "version";
    let settled = false;
    let carried: CarriedPackets | undefined;
    let privates: PrivateProtocol | undefined;
    let answersPing = false;
    let exchanges = 0;

    const settle = () => {
      settled = true;
      clearTimeout(timer);
      options.signal.removeEventListener("abort", aborted);
    };
    const fail = (reason: string, cause?: unknown) => {
      if (!settled) {
        settle();
        reject(new OriginateError(step, reason, { cause }));
      }
      // A DISCONNECT may have been written already, and gets a moment to leave.
      endThenDestroy(stream);
    };
    const limit = options.timeLimitMs ?? TIME_LIMIT_MS;
    const timer = setTimeout(() => fail(`the host took longer than ${limit / 1000} s`), limit);
    const aborted = () => fail("the connection is no longer wanted", options.signal.reason);

    const known = new Set(options.hostKeys.map((line) => parsePublicKey(line).blob));
    const protocol = new Protocol({
      ident: options.identification,
      offer: offerFor(options.hostKeys),
      onWrite(data) {
        if (stream.writable) stream.write(data);
      },
      onError: (error) =>
        fail(
          step === "host-key" ? "the host's key is not one that it registered with" : error.message,
          error,
        ),
      onHeader() {
        step = "key-exchange";
        privates = checkedProtocol(protocol);
        readExtensions(privates, (names) => {
          if (names.includes("ping@openssh.com")) answersPing = true;
        });
        carried = carryPackets(privates, stream, options.receiver);
      },
      hostVerifier(key) {
        const isKnown = known.has(key.toString("base64"));
        if (!isKnown) step = "host-key";
        return isKnown;
      },
      onHandshakeComplete() {
        if (exchanges++ > 0) return carried?.exchanged();
        step = "sign-in";
        protocol.service("ssh-userauth");
        // Not waiting for the answer saves a round trip; a host without the service disconnects in any case.
        if (privates !== undefined) sendMessage(privates, [signInRequest(privates, options)], false);
      },
      messageHandlers: {
        DISCONNECT: (_, reason, description) =>
          settled ? stream.end() : fail(`the host disconnected: ${description || `reason ${reason}`}`),
        USERAUTH_FAILURE: () => fail("the host did not accept the gateway's certificate"),
        USERAUTH_BANNER: () => {},
        USERAUTH_SUCCESS() {
          if (settled || carried === undefined || step !== "sign-in") return;
          carried.authenticated();
          const { transport } = carried;
          settle();
          const connection = { transport, answersPing };
          options.signedIn?.(connection);
          resolve(connection);
        },
      },
    });

    if (options.signal.aborted) return aborted();
    options.signal.addEventListener("abort", aborted, { once: true });
    stream.on("data", (data: Buffer) => {
      try {
        protocol.parse(data, 0, data.length);
      } catch (error) {
        fail(error instanceof Error ? error.message : String(error), error);
      }
    });
    stream.on("error", (error) => fail(error.message, error));
    stream.once("end", () => {
      if (!settled) fail("the host closed the connection");
      else protocol.cleanup();
    });
    stream.once("close", () => {
      if (!settled) fail("the connection to the host broke");
      else protocol.cleanup();
    });
    protocol.start();
  });
}

function offerFor(hostKeys: readonly string[]) {
  const types = hostKeys.map((line) => parsePublicKey(line).type);
  const direction = {
    cipher: CLIENT_ALGORITHMS.cipher,
    mac: CLIENT_ALGORITHMS.hmac,
    compress: ["none"],
    lang: [],
  };
  return {
    kex: [...CLIENT_ALGORITHMS.kex],
    serverHostKey: [
      ...new Set(types.flatMap((type) => (type === "ssh-rsa" ? ["rsa-sha2-512", "rsa-sha2-256"] : [type]))),
    ],
    cs: direction,
    sc: direction,
  };
}

/**
 * USERAUTH_REQUEST with a certificate and its signature (RFC 4252 §7). The algorithm is the certificate's, but the signature's
 * format is the plain key's (PROTOCOL.certkeys).
 */
function signInRequest(protocol: PrivateProtocol, options: OriginateOptions): Buffer {
  const { userName, certificate, privateKey } = options;
  const request = Buffer.concat([
    message(MSG.userAuthRequest, userName, "ssh-connection", "publickey", true),
    encode(ED25519_CERTIFICATE, certificate),
  ]);
  const signed = Buffer.concat([encode(protocol._kex?.sessionID ?? ""), request]);
  return Buffer.concat([request, encode(encode("ssh-ed25519", sign(null, signed, privateKey)))]);
}

/** Reports the names of the host's extensions (RFC 8308 §2.3), of which ssh2 keeps only one. */
function readExtensions(protocol: PrivateProtocol, found: (names: readonly string[]) => void): void {
  const next = protocol._onPayload;
  protocol._onPayload = (payload) => {
    if (payload[0] === MSG.extInfo) {
      try {
        const reader = new WireReader(payload, 1);
        const names: string[] = [];
        for (let left = Math.min(reader.uint32(), 64); left > 0; left--) {
          names.push(reader.text(128));
          reader.string();
        }
        found(names);
      } catch (error) {
        // ssh2 ends the connection because of a message that is cut off.
        if (!(error instanceof WireError)) throw error;
      }
    }
    return next(payload);
  };
}
