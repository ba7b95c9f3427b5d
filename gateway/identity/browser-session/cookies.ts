// Cookies of this gateway. Each has the prefix `__Host-`, so that no other host can set or see it, and is read strictly:
// two of one name mean that somebody tampers.

import type { FastifyReply, FastifyRequest } from "fastify";
import { ProtocolError } from "../../../protocol/errors.ts";

/** The browser session. */
export const SESSION_COOKIE = "__Host-sp_session";
/** What a browser keeps while somebody is at an identity provider; one per attempt, so that two tabs do not meet. */
export const REDIRECT_COOKIE_PREFIX = "__Host-sp_redirect_";
/** A WebAuthn challenge. */
export const PASSKEY_COOKIE = "__Host-sp_passkey";
/** An invitation that the browser has opened. */
export const INVITATION_COOKIE = "__Host-sp_invitation";
/** An identity that has no account yet. */
export const FIRST_SIGN_IN_COOKIE = "__Host-sp_first";

const MAX_HEADER = 16_000;

/** All cookies of a request by name, in the order of the header. */
export function cookiesOf(request: FastifyRequest): readonly (readonly [name: string, value: string])[] {
  const header = request.headers.cookie;
  if (header === undefined || header.length > MAX_HEADER) return [];
  return header.split(";").flatMap((part): [string, string][] => {
    const at = part.indexOf("=");
    return at < 1 ? [] : [[part.slice(0, at).trim(), part.slice(at + 1).trim()]];
  });
}

/** undefined: the request has no such cookie. @throws ProtocolError bad_request: it has two */
export function cookieOf(request: FastifyRequest, name: string): string | undefined {
  const found = cookiesOf(request).filter(([one]) => one === name);
  if (found.length > 1) {
    throw new ProtocolError(
      "bad_request",
      `Your browser sent the cookie ${name} twice: remove this site's cookies, and sign in again.`,
    );
  }
  return found[0]?.[1];
}

/** @param seconds 0 removes the cookie */
export function setCookie(reply: FastifyReply, name: string, value: string, seconds: number): void {
  // Fastify keeps the cookies that are set already.
  reply.header("set-cookie", `${name}=${value}; Path=/; Max-Age=${seconds}; Secure; HttpOnly; SameSite=Lax`);
}
