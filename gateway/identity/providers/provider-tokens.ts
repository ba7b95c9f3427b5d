// A provider's own tokens as a sign-in keeps them: sealed, since they open what the person has at the provider.

import type { IdentityId } from "../../../protocol/values/id.ts";
import { SIGN_IN_LIFETIMES } from "../../store/sign-ins/lifetimes.ts";
import type { ProviderFacts } from "../../store/sign-ins/sign-ins.ts";
import type { Sealer } from "../sealed.ts";

/** Longer ones are not kept. */
const MAX_TOKEN = 8_000;

/** @returns undefined: there is none, or it is too long */
export function sealToken(sealer: Sealer, token: string | undefined): string | undefined {
  if (token === undefined || token.length > MAX_TOKEN) return undefined;
  return sealer.seal("provider-token", token, SIGN_IN_LIFETIMES.browser);
}

export function openToken(sealer: Sealer, sealed: string | null): string | undefined {
  const token = sealed === null ? undefined : sealer.open("provider-token", sealed);
  return typeof token === "string" ? token : undefined;
}

export function providerFacts(
  sealer: Sealer,
  provider: string,
  identityId: IdentityId,
  tokens: {
    readonly session?: string | undefined;
    readonly refresh?: string | undefined;
    readonly idToken?: string | undefined;
  },
): ProviderFacts {
  return {
    provider,
    identityId,
    idpSession: tokens.session,
    sealedRefresh: sealToken(sealer, tokens.refresh),
    sealedIdToken: sealToken(sealer, tokens.idToken),
  };
}
