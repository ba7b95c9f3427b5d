// WebAuthn's two ceremonies, by @simplewebauthn/server: registering a passkey, and answering with one. The library is loaded
// at the first use, since most starts of a gateway never need it.

import { type Static, Type } from "typebox";
import { Check } from "typebox/value";
import { ProtocolError } from "../../../protocol/errors.ts";
import type { PasskeyRow } from "../../store/database/sign-in-schema.ts";
import type { NewPasskey } from "../../store/sign-ins/passkeys.ts";
import type { RelyingParty } from "./relying-party.ts";

/** EdDSA, ES256, RS256 (COSE algorithms). */
const ALGORITHMS = [-8, -7, -257];
const MAX_CREDENTIAL_ID = 1_400;

const Base64Url = (maxLength: number) => Type.String({ pattern: "^[A-Za-z0-9_-]+$", maxLength });
const credential = {
  id: Base64Url(MAX_CREDENTIAL_ID),
  rawId: Base64Url(MAX_CREDENTIAL_ID),
  type: Type.Literal("public-key"),
};
/** RegistrationResponseJSON: what is used of it. */
const Registration = Type.Object({
  ...credential,
  response: Type.Object({
    clientDataJSON: Base64Url(8_000),
    attestationObject: Base64Url(16_000),
    transports: Type.Optional(
      Type.Array(Type.String({ pattern: "^[a-z-]+$", maxLength: 20 }), { maxItems: 8 }),
    ),
  }),
});
/** AuthenticationResponseJSON: what is used of it. */
const Assertion = Type.Object({
  ...credential,
  response: Type.Object({
    clientDataJSON: Base64Url(8_000),
    authenticatorData: Base64Url(8_000),
    signature: Base64Url(4_000),
    userHandle: Type.Optional(Type.Union([Type.String({ maxLength: 200 }), Type.Null()])),
  }),
});

export interface PasskeyHolder {
  /** The account's id: the authenticator keeps it, and shows `name`. */
  readonly id: string;
  readonly name: string;
  readonly passkeys: readonly PasskeyRow[];
}

/** PublicKeyCredentialCreationOptionsJSON. */
export async function registrationOptions({ id }: RelyingParty, holder: PasskeyHolder) {
  const { generateRegistrationOptions } = await import("@simplewebauthn/server");
  return await generateRegistrationOptions({
    rpName: "Sallyport",
    rpID: id,
    userName: holder.name,
    userDisplayName: holder.name,
    userID: new TextEncoder().encode(holder.id),
    attestationType: "none",
    // Found by the authenticator itself, so that nobody is asked for a name, and unlocked by its holder.
    authenticatorSelection: { residentKey: "required", userVerification: "required" },
    excludeCredentials: holder.passkeys.map((row) => ({
      id: row.credential_id,
      transports: transportsOf(row),
    })),
    supportedAlgorithmIDs: ALGORITHMS,
    timeout: 300_000,
  });
}

/** @throws ProtocolError bad_request: it is not an answer to this challenge, from a page of ours */
export async function checkRegistration(
  { id, origin }: RelyingParty,
  response: unknown,
  challenge: string,
): Promise<Omit<NewPasskey, "title">> {
  if (!Check(Registration, response)) throw notRegistered();
  const { verifyRegistrationResponse } = await import("@simplewebauthn/server");
  const { isoBase64URL } = await import("@simplewebauthn/server/helpers");
  let verified: Awaited<ReturnType<typeof verifyRegistrationResponse>>;
  try {
    await requireNoCertificates(response);
    verified = await verifyRegistrationResponse({
      response: { ...response, clientExtensionResults: {} } as Parameters<
        typeof verifyRegistrationResponse
      >[0]["response"],
      expectedChallenge: challenge,
      expectedOrigin: origin,
      expectedRPID: id,
      requireUserVerification: true,
      supportedAlgorithmIDs: ALGORITHMS,
    });
  } catch (cause) {
    throw notRegistered(cause);
  }
  if (!verified.verified) throw notRegistered();
  const { credential: made } = verified.registrationInfo;
  if (made.id.length > MAX_CREDENTIAL_ID) throw notRegistered();
  return {
    credentialId: made.id,
    publicKey: isoBase64URL.fromBuffer(made.publicKey),
    counter: made.counter,
    transports: response.response.transports ?? [],
  };
}

/**
 * Nothing is asked of an authenticator's maker. An answer with certificates was not asked for, and the library would fetch
 * the revocation lists that they name, from wherever the sender likes.
 */
async function requireNoCertificates({ response }: Static<typeof Registration>): Promise<void> {
  const { decodeAttestationObject, isoBase64URL } = await import("@simplewebauthn/server/helpers");
  const decoded = decodeAttestationObject(isoBase64URL.toBuffer(response.attestationObject));
  const format = decoded.get("fmt");
  if (format === "none") return;
  if (format === "packed" && decoded.get("attStmt").get("x5c") === undefined) return;
  throw new Error(`unwanted attestation ${format}`);
}

/** PublicKeyCredentialRequestOptionsJSON. It is for any passkey of this gateway, so it says nothing of who has one. */
export async function assertionOptions({ id }: RelyingParty) {
  const { generateAuthenticationOptions } = await import("@simplewebauthn/server");
  return await generateAuthenticationOptions({ rpID: id, userVerification: "required", timeout: 300_000 });
}

/** The credential that an answer claims to be by; undefined: it has not the form of an answer. */
export function credentialOf(response: unknown): string | undefined {
  return Check(Assertion, response) ? response.id : undefined;
}

/**
 * @param passkey undefined: none has this id. Then everything is checked against a key that nobody has, so that the answer
 *   takes as long.
 * @returns the authenticator's counter; undefined: the answer is not by this passkey, for this challenge, from a page of ours
 */
export async function checkAssertion(
  { id, origin }: RelyingParty,
  response: unknown,
  challenge: string,
  passkey: PasskeyRow | undefined,
): Promise<number | undefined> {
  if (!Check(Assertion, response)) return undefined;
  const { userHandle } = response.response;
  const { verifyAuthenticationResponse } = await import("@simplewebauthn/server");
  const { isoBase64URL } = await import("@simplewebauthn/server/helpers");
  try {
    const { verified, authenticationInfo } = await verifyAuthenticationResponse({
      response: {
        ...response,
        response: {
          clientDataJSON: response.response.clientDataJSON,
          authenticatorData: response.response.authenticatorData,
          signature: response.response.signature,
        },
        clientExtensionResults: {},
      },
      expectedChallenge: challenge,
      expectedOrigin: origin,
      expectedRPID: id,
      requireUserVerification: true,
      credential: {
        id: response.id,
        publicKey: isoBase64URL.toBuffer(passkey?.public_key ?? NOBODYS_KEY),
        // The store compares the counter: it alone knows of answers at the same time.
        counter: 0,
      },
    });
    if (!verified || passkey === undefined) return undefined;
    // The authenticator says whose it is; a passkey of ours never names a different account.
    if (
      typeof userHandle === "string" &&
      userHandle !== Buffer.from(passkey.account_id).toString("base64url")
    ) {
      return undefined;
    }
    return authenticationInfo.newCounter;
  } catch {
    // The library throws for each way in which an answer can be wrong. None is told apart.
    return undefined;
  }
}

function transportsOf(row: PasskeyRow): string[] {
  const value: unknown = JSON.parse(row.transports);
  return Array.isArray(value) ? value.filter((one) => typeof one === "string") : [];
}

function notRegistered(cause?: unknown): ProtocolError {
  return new ProtocolError("bad_request", "This passkey could not be registered: try again.", { cause });
}

/** An ES256 key in COSE form whose private part was thrown away. */
const NOBODYS_KEY =
  "pQECAyYgASFYIJX2Q39F6E8Gk0YWG-cT2QYinjuIfCK2RXgKd7NULvnYIlggbpkAwK4z5ZKUB5mIZiP9zY7_Iyylrs3esUCl9wJQ6VI";
