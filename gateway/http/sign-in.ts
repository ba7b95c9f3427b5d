// Signs requests in before their bodies are read: by the access token in the Authorization header or, for pages of this
// gateway, by the cookie of a browser session.

import type { FastifyRequest } from "fastify";
import type { Scope } from "../../protocol/api.ts";
import { ProtocolError } from "../../protocol/errors.ts";
import { bearerToken } from "../../protocol/values/token.ts";
import type { Identity } from "../directory.ts";
import { requireFresh, sessionOf } from "../identity/browser-session/browser-session.ts";
import type { Actor } from "../store/context.ts";
import type { ApiContext } from "./context.ts";

declare module "fastify" {
  interface FastifyRequest {
    /** null before sign-in and on routes without it. */
    identity: Identity | null;
    /** The client's address, behind trusted proxies too. */
    clientAddress: string;
    /** The code of the error that this request is answered with. */
    refusedWith: string | null;
  }
}

/**
 * A hook that requires an access token or a browser session with all of these scopes; with none, any valid one.
 */
export function signedIn(context: ApiContext, ...scopes: readonly Scope[]) {
  return async (request: FastifyRequest): Promise<void> => {
    const identity = await authenticate(context, request);
    request.identity = identity;
    for (const scope of scopes) requireScope(identity, scope);
  };
}

/** A hook for what a browser session may only do shortly after the person proved who they are. */
export function signedInFresh(context: ApiContext, ...scopes: readonly Scope[]) {
  const check = signedIn(context, ...scopes);
  return async (request: FastifyRequest): Promise<void> => {
    await check(request);
    requireFresh(identityOf(request));
  };
}

/** @throws ProtocolError scope_missing */
export function requireScope(identity: Identity, scope: Scope): void {
  if (identity.scopes.has(scope)) return;
  throw new ProtocolError("scope_missing", `This access token lacks the scope ${scope}.`);
}

export function identityOf(request: FastifyRequest): Identity {
  if (request.identity === null) throw new ProtocolError("unauthenticated", "Sign in first.");
  return request.identity;
}

export function actorOf(request: FastifyRequest): Actor {
  return { account: identityOf(request).account.name, address: request.clientAddress };
}

async function authenticate(context: ApiContext, request: FastifyRequest): Promise<Identity> {
  const { authorization } = request.headers;
  if (authorization !== undefined) return await checkedToken(context, request, bearerToken(authorization));
  const identity = await checked(context, request, async () => {
    const session = await sessionOf(context, request);
    if (session !== undefined) await context.liveness.confirm(session.tokenId);
    return session;
  });
  if (identity !== undefined) return identity;
  throw new ProtocolError("unauthenticated", "Send an access token: Authorization: Bearer spt_….");
}

/**
 * Checks an access token that a request brought. Refusals are counted and audited.
 * @param bearer undefined: the header that it should be in is malformed
 * @throws ProtocolError bad_token, token_unknown, token_revoked, token_expired, account_disabled, rate_limited
 */
export async function checkedToken(
  context: ApiContext,
  request: FastifyRequest,
  bearer: string | undefined,
): Promise<Identity> {
  return await checked(context, request, async () => {
    if (bearer === undefined) {
      throw new ProtocolError("bad_token", "The Authorization header does not have the form: Bearer spt_….", {
        field: "token",
      });
    }
    return await context.store.authenticate(bearer, request.clientAddress);
  });
}

/** Runs a check of somebody's credential. Refusals are counted by address, and audited. @throws ProtocolError */
export async function checked<T>(
  context: ApiContext,
  request: FastifyRequest,
  check: () => Promise<T>,
): Promise<T> {
  const address = request.clientAddress;
  try {
    return await check();
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    // An address over the limit learns nothing about the token, and adds nothing to the audit log.
    context.throttle.check(address);
    if (error.status === 401 || error.code === "bad_token") context.throttle.failed(address);
    context.store.audit({ event: "sign-in.refused", address, code: error.code });
    throw error;
  }
}
