// Passkeys in this browser: makes and uses them with what the gateway asks for. The library that translates between JSON and
// the browser's WebAuthn API is loaded at the first use.

import type { SessionInfo } from "../../protocol/sign-in/api.ts";
import { ApiError, api } from "../api.ts";
import { t } from "../words.ts";

interface Options {
  // What the library takes; the gateway's own library made it.
  readonly options: Record<string, unknown>;
}

export const hasPasskeys = (): boolean => "PublicKeyCredential" in globalThis;

/**
 * Signs in, or proves again who it is.
 * @param quietly offers the passkeys in the browser's own list of suggestions for a field, and waits (conditional UI)
 * @throws ApiError
 */
export async function signInByPasskey(quietly = false): Promise<SessionInfo> {
  const { options } = await api.post<Options>("/session/passkey/options", {}, { quiet: true });
  const { startAuthentication } = await import("@simplewebauthn/browser");
  const response = await byPerson(() =>
    startAuthentication({ optionsJSON: options as never, useBrowserAutofill: quietly }),
  );
  return await api.post<SessionInfo>("/session/passkey", { response }, { quiet: true });
}

/** Makes a passkey from the gateway's options, for the gateway to check. @throws ApiError */
export async function makePasskey(options: Options["options"]): Promise<unknown> {
  const { startRegistration } = await import("@simplewebauthn/browser");
  return await byPerson(() => startRegistration({ optionsJSON: options as never }));
}

/** A new passkey for the account that is signed in. @throws ApiError */
export async function addPasskey(title: string): Promise<void> {
  const { options } = await api.post<Options>("/passkeys/options", {});
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
