// The invitation that a browser has opened, sealed in a cookie: it is there when the person comes back from an identity
// provider, or has made a passkey.

import type { FastifyReply, FastifyRequest } from "fastify";
import { PAGES } from "../../../protocol/sign-in/pages.ts";
import type { GatewayUrl } from "../../../protocol/values/gateway-url.ts";
import { type InvitationId, parseInvitationId } from "../../../protocol/values/id.ts";
import type { OneUseCode } from "../../../protocol/values/token.ts";
import type { ApiContext } from "../../http/context.ts";
import { cookieOf, INVITATION_COOKIE, setCookie } from "../browser-session/cookies.ts";

/** Long enough to sign in at a provider and to choose a name. */
const OPENED_SECONDS = 3_600;

/** The code is in the fragment, which browsers send to nobody. */
export function linkOf(publicUrl: GatewayUrl, code: OneUseCode): string {
  return `${publicUrl}${PAGES.welcome}#${code}`;
}

export function keepInvitation({ sealer }: ApiContext, reply: FastifyReply, id: InvitationId): void {
  setCookie(reply, INVITATION_COOKIE, sealer.seal("invitation", id, OPENED_SECONDS), OPENED_SECONDS);
}

/**
 * The invitation that this browser opened within the last hour; undefined: none. Whether it is still good is decided where
 * it is used up: `takeInvitation` in gateway/store/sign-ins/use-invitation.ts.
 */
export function openedInvitation({ sealer }: ApiContext, request: FastifyRequest): InvitationId | undefined {
  const sealed = cookieOf(request, INVITATION_COOKIE);
  const id = sealed === undefined ? undefined : sealer.open("invitation", sealed);
  return id === undefined ? undefined : parseInvitationId(id);
}

export function forgetInvitation(reply: FastifyReply): void {
  setCookie(reply, INVITATION_COOKIE, "", 0);
}
