// Signs requests in by the access token in the Authorization header, before their bodies are read.

import type { FastifyRequest } from "fastify";
import type { Scope } from "../../protocol/api.ts";
import { ProtocolError } from "../../protocol/errors.ts";
import { bearerToken } from "../../protocol/values/token.ts";
import type { Identity } from "../directory.ts";
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

/** A hook that requires an access token with all of these scopes; with none, any valid token. */
export function signedIn(context: ApiContext, ...scopes: readonly Scope[]) {
  return async (request: FastifyRequest): Promise<void> => {
    const identity = await authenticate(context, request);
    request.identity = identity;
    for (const scope of scopes) requireScope(identity, scope);
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
  if (authorization === undefined) {
    throw new ProtocolError("unauthenticated", "Send an access token: Authorization: Bearer spt_….");
  }
  const address = request.clientAddress;
  try {
    const bearer = bearerToken(authorization);
    if (bearer === undefined) {
      throw new ProtocolError("bad_token", "The Authorization header does not have the form: Bearer spt_….", {
        field: "token",
      });
    }
    return await context.store.authenticate(bearer);
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    // An address over the limit learns nothing about the token, and adds nothing to the audit log.
    context.throttle.check(address);
    if (error.status === 401 || error.code === "bad_token") context.throttle.failed(address);
    context.store.audit({ event: "sign-in.refused", address, code: error.code });
    throw error;
  }
}
