// Passkeys in this browser: makes and uses them with what the gateway asks for. The browser itself translates between JSON and
// its WebAuthn API (WebAuthn Level 3 §5.1.8): Chromium since 129, Firefox since 119, Safari since 18.4. Older ones get no button.

import type { SessionInfo } from "../../protocol/sign-in/api.ts";
import { ApiError, api } from "../api.ts";
import { t } from "../words.ts";

interface UseOptions {
  readonly options: PublicKeyCredentialRequestOptionsJSON;
}
export interface NewPasskeyOptions {
  readonly options: PublicKeyCredentialCreationOptionsJSON;
}

export const hasPasskeys = (): boolean =>
  "PublicKeyCredential" in globalThis && "parseRequestOptionsFromJSON" in PublicKeyCredential;

/** Whether the browser suggests passkeys in a field that asks for it (conditional UI). */
export async function offersPasskeysInFields(): Promise<boolean> {
  return (await PublicKeyCredential.isConditionalMediationAvailable?.()) === true;
}

/** A browser does one thing at a time with passkeys, so that a suggestion in a field ends when a button is pressed. */
let pending: AbortController | undefined;

function begin(): AbortSignal {
  pending?.abort();
  pending = new AbortController();
  return pending.signal;
}

/**
 * Signs in, or proves again who it is.
 * @param inField waits until the person takes a passkey from the suggestions of a field with `autocomplete="… webauthn"`
 * @throws ApiError
 */
export async function signInByPasskey(inField = false): Promise<SessionInfo> {
  const { options } = await api.post<UseOptions>("/session/passkey/options", {}, { quiet: true });
  const response = await byPerson(() =>
    navigator.credentials.get({
      publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options),
      signal: begin(),
      ...(inField ? { mediation: "conditional" } : {}),
    }),
  );
  return await api.post<SessionInfo>("/session/passkey", { response }, { quiet: true });
}

/** Makes a passkey from the gateway's options, for the gateway to check. @throws ApiError */
export async function makePasskey(options: NewPasskeyOptions["options"]): Promise<unknown> {
  return await byPerson(() =>
    navigator.credentials.create({
      publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options),
      signal: begin(),
    }),
  );
}

/** A new passkey for the account that is signed in. @throws ApiError */
export async function addPasskey(title: string): Promise<void> {
  const { options } = await api.post<NewPasskeyOptions>("/passkeys/options", {});
  await api.post("/passkeys", { response: await makePasskey(options), title });
}

/** The browser's own dialog, whose errors say little. @returns JSON for the gateway */
async function byPerson(ask: () => Promise<Credential | null>): Promise<unknown> {
  try {
    const credential = await ask();
    if (credential instanceof PublicKeyCredential) return credential.toJSON();
  } catch (error) {
    if (error instanceof Error && error.name === "InvalidStateError") {
      throw new ApiError("cancelled", t("This device has a passkey for this account already."));
    }
  }
  throw new ApiError("cancelled", t("No passkey was used. Try again, or choose a different way."));
}
