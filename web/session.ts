// Who is signed in in this browser, as a signal.

import { signal } from "@preact/signals";
import type { SessionInfo } from "../protocol/sign-in/api.ts";
import { ApiError, api } from "./api.ts";

/** null: nobody; undefined: not known yet. */
export const session = signal<SessionInfo | null | undefined>(undefined);

/** Why the session that was here is over, as a code; undefined: the person has not signed in, or has signed out. */
export const ended = signal<string | undefined>(undefined);

/** Asks the gateway. @throws ApiError the gateway does not answer */
export async function loadSession(): Promise<SessionInfo | null> {
  try {
    session.value = await api.get<SessionInfo>("/session", { quiet: true });
  } catch (error) {
    if (!(error instanceof ApiError) || (error.status !== 401 && error.code !== "account_disabled"))
      throw error;
    if (session.value) ended.value = error.code;
    session.value = null;
  }
  return session.value;
}

/** Whether the person who is signed in administers the gateway. */
export const isAdmin = (): boolean => session.value?.scopes.includes("admin") === true;
