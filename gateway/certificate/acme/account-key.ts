// The key of an ACME account, and what it signs: every request is a JSON Web Signature (RFC 8555 §6.2).

import { createHash, createHmac, createPublicKey, type KeyObject, sign } from "node:crypto";

/** Names the account in a request: by its URL, or, before that is known, by its public key. */
type Signer = { readonly kid: string } | { readonly jwk: Jwk };

interface Jwk {
  readonly crv: string;
  readonly kty: string;
  readonly x: string;
  readonly y: string;
}

/** A JSON Web Signature in its flattened form. */
interface Jws {
  readonly protected: string;
  readonly payload: string;
  readonly signature: string;
}

/** An account at the authority's own site, to which the new account is bound (RFC 8555 §7.3.4). */
export interface ExternalAccount {
  readonly kid: string;
  /** base64url */
  readonly key: string;
}

export class AccountKey {
  readonly #key: KeyObject;
  readonly #jwk: Jwk;

  /** @param key ECDSA, P-256 */
  constructor(key: KeyObject) {
    this.#key = key;
    const { crv = "", kty = "", x = "", y = "" } = createPublicKey(key).export({ format: "jwk" });
    // In the order of RFC 7638, which the thumbprint needs.
    this.#jwk = { crv, kty, x, y };
  }

  /** What answers a challenge with this token (RFC 8555 §8.1). */
  keyAuthorization(token: string): string {
    return `${token}.${createHash("sha256").update(JSON.stringify(this.#jwk)).digest("base64url")}`;
  }

  /**
   * @param kid the account's URL; undefined: it is not known yet
   * @param payload undefined: an empty one, which asks to read the resource (POST-as-GET)
   */
  sign(url: string, nonce: string, kid: string | undefined, payload: unknown): Jws {
    const signer: Signer = kid === undefined ? { jwk: this.#jwk } : { kid };
    return jws({ alg: "ES256", nonce, url, ...signer }, payload, (input) =>
      sign("sha256", Buffer.from(input), { key: this.#key, dsaEncoding: "ieee-p1363" }),
    );
  }

  /** The proof that the holder of an external account wants this key to stand for it. */
  bind(url: string, { kid, key }: ExternalAccount): Jws {
    return jws({ alg: "HS256", kid, url }, this.#jwk, (input) =>
      createHmac("sha256", Buffer.from(key, "base64url")).update(input).digest(),
    );
  }
}

function jws(header: object, payload: unknown, signature: (input: string) => Buffer): Jws {
  const head = Buffer.from(JSON.stringify(header)).toString("base64url");
  const body = payload === undefined ? "" : Buffer.from(JSON.stringify(payload)).toString("base64url");
  return { protected: head, payload: body, signature: signature(`${head}.${body}`).toString("base64url") };
}
