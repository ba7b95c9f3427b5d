// Signing out of this browser, here and at the identity provider, or of all that is signed in.

import type { SignedOut, SignInInfo } from "../../protocol/sign-in/api.ts";
import { PAGES } from "../../protocol/sign-in/pages.ts";
import { api } from "../api.ts";
import { unfollowWorkspaces } from "../events.ts";
import { go } from "../router.ts";
import { session } from "../session.ts";

/** Ends the browser session and goes to the sign-in page, or to the provider's own page for signing out. */
export async function signOut(): Promise<void> {
  const { endSession } = await api.delete<SignedOut>("/session", { quiet: true }).catch(() => ({
    endSession: null, // The session was over already.
  }));
  forgetSession();
  if (endSession === null) go(PAGES.signIn);
  else location.assign(endSession);
}

/** Ends every browser's and every client's sign-in of the account, this one last. @throws ApiError */
export async function signOutEverywhere(): Promise<void> {
  const all = await api.get<SignInInfo[]>("/sign-ins");
  for (const { id, current } of all) if (!current) await api.delete(`/sign-ins/${id}`);
  await signOut();
}

/** What is known of the person goes out of the page. */
export function forgetSession(): void {
  unfollowWorkspaces();
  session.value = null;
}
