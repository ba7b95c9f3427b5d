// What the gateway asks of an identity provider, of whichever kind.

import type { Claims } from "./rules.ts";
import type { ProviderSettings } from "./settings/settings.ts";

/** Somebody whom a provider has vouched for, whatever the rules then say. */
export interface ProvedIdentity {
  readonly issuer: string;
  /** Unique and never used again at this issuer. */
  readonly subject: string;
  /** Those of the ID token come first. */
  readonly claims: { readonly idToken: Claims; readonly userinfo: Claims };
  /** `sid`, for back-channel logout. */
  readonly session: string | undefined;
  /** What the provider is asked with later whether the person may still come in. */
  readonly refresh: string | undefined;
  readonly idToken: string | undefined;
  /** When the provider checked the person's credentials, if it says so. */
  readonly authenticatedAt: Date | undefined;
}

/** What the browser keeps, sealed, until it comes back. */
export interface Started {
  readonly url: string;
  readonly kept: Readonly<Record<string, string>>;
}

export type Liveness =
  /** `refresh`: what to ask with from now on. `claims`: those that came this time; they may be none. */
  | { readonly outcome: "welcome"; readonly refresh: string; readonly claims: Claims }
  | { readonly outcome: "refused"; readonly reason: string }
  | { readonly outcome: "unreachable"; readonly reason: string };

/** Somebody signed out at the provider: in one session, or, without `session`, altogether. */
export interface SignedOutThere {
  readonly issuer: string;
  readonly subject?: string;
  readonly session?: string;
}

export interface ProviderState {
  readonly state: "ready" | "unreachable" | "unknown";
  readonly checkedAt: Date | null;
  readonly problem: string | null;
}

export interface Provider {
  readonly settings: ProviderSettings;
  readonly state: ProviderState;
  /**
   * @param again the person has to prove who they are, even if the provider still knows them
   * @throws ProtocolError provider_unavailable
   */
  start(redirectUri: string, state: string, again: boolean): Promise<Started>;
  /**
   * @param returned the redirect URI with the query that the browser came back with
   * @throws ProtocolError sign_in_refused, provider_unavailable
   */
  finish(returned: URL, state: string, kept: Started["kept"]): Promise<ProvedIdentity>;
  /** Asks whether the person may still come in. */
  recheck(refresh: string, subject: string): Promise<Liveness>;
  /** Where a browser signs out at the provider; null: nowhere. */
  endSessionUrl(idToken: string | undefined, back: string): Promise<string | null>;
  /** Whom a logout token is about; null: this kind sends none. @throws ProtocolError bad_token, provider_unavailable */
  readonly logoutToken: ((token: string) => Promise<SignedOutThere>) | null;
}

/** All claims, those of the ID token first. */
export function allClaims({ claims }: ProvedIdentity): Claims {
  return { ...claims.userinfo, ...claims.idToken };
}
