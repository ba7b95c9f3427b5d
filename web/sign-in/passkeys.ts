// Passkeys in this browser: makes and uses them with what the gateway asks for. The library that translates between JSON and
// the browser's WebAuthn API is loaded at the first use.

import type { SessionInfo } from "../../protocol/sign-in/api.ts";
import { ApiError, api } from "../api.ts";
import { t } from "../words.ts";

interface UseOptions {
  readonly options: PublicKeyCredentialRequestOptionsJSON;
}
export interface NewPasskeyOptions {
  readonly options: PublicKeyCredentialCreationOptionsJSON;
}

export const hasPasskeys = (): boolean => "PublicKeyCredential" in globalThis;

/** Whether the browser suggests passkeys in a field that asks for it (conditional UI). */
export async function offersPasskeysInFields(): Promise<boolean> {
  return (await PublicKeyCredential.isConditionalMediationAvailable?.()) === true;
}

/**
 * Signs in, or proves again who it is.
 * @param inField waits until the person takes a passkey from the suggestions of a field with `autocomplete="… webauthn"`
 * @throws ApiError
 */
export async function signInByPasskey(inField = false): Promise<SessionInfo> {
  const { options } = await api.post<UseOptions>("/session/passkey/options", {}, { quiet: true });
  const { startAuthentication } = await import("@simplewebauthn/browser");
  const response = await byPerson(() =>
    // The gateway's library made the options for this one; their types differ in how strict they are.
    startAuthentication({ optionsJSON: options as never, useBrowserAutofill: inField }),
  );
  return await api.post<SessionInfo>("/session/passkey", { response }, { quiet: true });
}

/** Makes a passkey from the gateway's options, for the gateway to check. @throws ApiError */
export async function makePasskey(options: NewPasskeyOptions["options"]): Promise<unknown> {
  const { startRegistration } = await import("@simplewebauthn/browser");
  return await byPerson(() => startRegistration({ optionsJSON: options as never }));
}

/** A new passkey for the account that is signed in. @throws ApiError */
export async function addPasskey(title: string): Promise<void> {
  const { options } = await api.post<NewPasskeyOptions>("/passkeys/options", {});
  await api.post("/passkeys", { response: await makePasskey(options), title });
}

/** The browser's own dialog, whose errors say little. */
async function byPerson<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof Error && error.name === "InvalidStateError") {
      throw new ApiError("cancelled", t("This device has a passkey for this account already."));
    }
    throw new ApiError("cancelled", t("No passkey was used. Try again, or choose a different way."));
  }
}
