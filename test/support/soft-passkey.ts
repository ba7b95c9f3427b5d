// An authenticator in software: makes a passkey and answers challenges as a browser would, and says whatever a test wants where
// a browser would not.

import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";

/** What a test may change about an answer. */
interface Said {
  readonly origin: string;
  readonly rpId?: string;
  readonly challenge?: string;
  readonly type?: string;
  /** False: nobody touched it, or proved to be its holder. */
  readonly verified?: boolean;
  readonly counter?: number;
  readonly userHandle?: string;
  /** Signs the registration as the authenticator's maker does. */
  readonly maker?: { readonly certificate: Buffer; readonly key: KeyObject };
}

interface CreationOptions {
  readonly challenge: string;
  readonly rp: { readonly id?: string };
  readonly user: { readonly id: string };
}
interface RequestOptions {
  readonly challenge: string;
  readonly rpId?: string;
}

export class SoftPasskey {
  readonly credentialId = randomBytes(16);
  readonly #privateKey: KeyObject;
  readonly #coseKey: Buffer;
  #userHandle = "";
  #counter = 0;

  constructor() {
    const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    this.#privateKey = privateKey;
    const { x = "", y = "" } = publicKey.export({ format: "jwk" });
    this.#coseKey = Buffer.concat([
      Buffer.from("a5010203262001215820", "hex"),
      Buffer.from(x, "base64url"),
      Buffer.from("225820", "hex"),
      Buffer.from(y, "base64url"),
    ]);
  }

  /** RegistrationResponseJSON. */
  create(options: CreationOptions, said: Said) {
    this.#userHandle = options.user.id;
    const id = this.credentialId;
    const authData = Buffer.concat([
      this.#authData(said.rpId ?? options.rp.id ?? "", 0x40, said),
      Buffer.alloc(16),
      Buffer.from([0, id.length]),
      id,
      this.#coseKey,
    ]);
    const client = clientData({ type: "webauthn.create", ...said }, options.challenge);
    const signed = Buffer.concat([authData, createHash("sha256").update(client).digest()]);
    const attestationObject = Buffer.concat([
      Buffer.from([0xa3]),
      attestation(said.maker, signed),
      text("authData"),
      bytes(authData),
    ]);
    return {
      ...this.#credential(),
      response: {
        clientDataJSON: client.toString("base64url"),
        attestationObject: attestationObject.toString("base64url"),
        transports: ["internal"],
      },
    };
  }

  /** AuthenticationResponseJSON. */
  get(options: RequestOptions, said: Said) {
    const authData = this.#authData(said.rpId ?? options.rpId ?? "", 0, said);
    const client = clientData({ type: "webauthn.get", ...said }, options.challenge);
    const signed = Buffer.concat([authData, createHash("sha256").update(client).digest()]);
    return {
      ...this.#credential(),
      response: {
        clientDataJSON: client.toString("base64url"),
        authenticatorData: authData.toString("base64url"),
        signature: sign("sha256", signed, this.#privateKey).toString("base64url"),
        userHandle: said.userHandle ?? this.#userHandle,
      },
    };
  }

  #credential() {
    const id = this.credentialId.toString("base64url");
    return { id, rawId: id, type: "public-key", clientExtensionResults: {} };
  }

  #authData(rpId: string, flags: number, { verified = true, counter }: Said): Buffer {
    this.#counter = counter ?? this.#counter + 1;
    const head = Buffer.alloc(37);
    createHash("sha256").update(rpId).digest().copy(head);
    head[32] = flags | (verified ? 0x05 : 0x01);
    head.writeUInt32BE(this.#counter, 33);
    return head;
  }
}

function clientData({ type, origin, challenge }: Said, given: string): Buffer {
  return Buffer.from(JSON.stringify({ type, challenge: challenge ?? given, origin, crossOrigin: false }));
}

/** CBOR of the format and the statement: `none`, or `packed` with a certificate (WebAuthn §8.2). */
function attestation(maker: Said["maker"], signed: Buffer): Buffer {
  if (maker === undefined) {
    return Buffer.concat([text("fmt"), text("none"), text("attStmt"), Buffer.from([0xa0])]);
  }
  return Buffer.concat([
    text("fmt"),
    text("packed"),
    text("attStmt"),
    // A map of three; -7 is ES256; a list of one.
    Buffer.from([0xa3]),
    text("alg"),
    Buffer.from([0x26]),
    text("sig"),
    bytes(sign("sha256", signed, maker.key)),
    text("x5c"),
    Buffer.from([0x81]),
    bytes(maker.certificate),
  ]);
}

/** CBOR. */
function text(value: string): Buffer {
  return Buffer.concat([Buffer.from([0x60 + value.length]), Buffer.from(value)]);
}
function bytes(value: Buffer): Buffer {
  return Buffer.concat([Buffer.from([0x59, value.length >> 8, value.length & 0xff]), value]);
}
