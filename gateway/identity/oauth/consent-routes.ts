// What the consent page and the device page ask and decide. Only a page of this gateway can, in a browser session whose person
// has recently proved who they are: what they allow here lasts for months.

import type { FastifyRequest } from "fastify";
import { ProtocolError } from "../../../protocol/errors.ts";
import { OAUTH_SCOPES, type OAuthScope } from "../../../protocol/sign-in/oauth.ts";
import {
  AuthorizationDecision,
  AuthorizationQuestion,
  AuthorizationRequest,
  DecideAuthorization,
  DecideDevice,
  DeviceCodeLookup,
  DevicePrompt,
} from "../../../protocol/sign-in/oauth-api.ts";
import type { Identity } from "../../directory.ts";
import type { Api, ApiContext } from "../../http/context.ts";
import { described, Nothing } from "../../http/openapi.ts";
import { identityOf, signedIn } from "../../http/sign-in.ts";
import type { Typist } from "../../store/sign-ins/device-codes.ts";
import { parseScopes } from "../../store/tokens/scopes.ts";
import { requireFresh, requireOwnPage } from "../browser-session/browser-session.ts";
import { readAuthorizationRequest } from "./authorization-request.ts";
import { withAnswer } from "./redirect-uri.ts";

export function consentRoutes(api: Api, context: ApiContext): void {
  const { store } = context;
  const inBrowser = signedIn(context);

  api.post(
    "/authorizations/prompt",
    {
      onRequest: inBrowser,
      schema: {
        ...described("sign-in", "promptAuthorization", "Get what a program asks to be allowed.", {
          200: AuthorizationQuestion,
        }),
        body: AuthorizationRequest,
      },
    },
    async (request) => {
      const identity = requirePerson(context, request);
      const asked = readAuthorizationRequest(request.body.query, context.publicUrl());
      if (asked.kind === "faulty") return { redirect: asked.redirect };
      const scopes = grantable(identity, asked.scopes);
      if (scopes.length === 0) return { redirect: nothingToGrant(context, asked) };
      requireFresh(identity);
      return {
        client: asked.client,
        device: asked.device,
        scopes: [...scopes],
        redirectTo: asked.redirectTo,
      };
    },
  );

  api.post(
    "/authorizations",
    {
      onRequest: inBrowser,
      schema: {
        ...described("sign-in", "decideAuthorization", "Allow or deny what a program asks.", {
          200: AuthorizationDecision,
        }),
        body: DecideAuthorization,
      },
    },
    async (request) => {
      const identity = requirePerson(context, request);
      const { query, allow, scopes: chosen } = request.body;
      const iss = context.publicUrl();
      const asked = readAuthorizationRequest(query, iss);
      if (asked.kind === "faulty") return { redirect: asked.redirect };
      const { state, redirectUri, client, device, challenge } = asked;
      if (!allow) return { redirect: withAnswer(redirectUri, { error: "access_denied", state, iss }) };
      const scopes = choose(grantable(identity, asked.scopes), chosen);
      if (scopes.length === 0) return { redirect: nothingToGrant(context, asked) };
      requireFresh(identity);
      const code = await store.oauthCodes.create({
        accountId: identity.account.id,
        sessionId: identity.tokenId,
        client,
        device,
        redirectUri,
        challenge,
        scopes,
      });
      return { redirect: withAnswer(redirectUri, { code, state, iss }) };
    },
  );

  api.post(
    "/device-codes/prompt",
    {
      onRequest: inBrowser,
      schema: {
        ...described("sign-in", "promptDevice", "Get what a device with this code asks to be allowed.", {
          200: DevicePrompt,
        }),
        body: DeviceCodeLookup,
      },
    },
    async (request) => {
      const identity = requirePerson(context, request);
      requireDeviceCodes(context);
      requireFresh(identity);
      const row = await store.deviceCodes.find(request.body.userCode, typist(identity, request));
      const scopes = grantable(identity, askedScopes(row.scopes));
      if (scopes.length === 0) throw nothingLeft();
      return {
        client: row.client,
        device: row.device,
        scopes: [...scopes],
        address: row.address,
        createdAt: row.created_at,
        expiresAt: row.expires_at,
      };
    },
  );

  api.post(
    "/device-codes",
    {
      onRequest: inBrowser,
      schema: {
        ...described("sign-in", "decideDevice", "Allow or deny what a device asks.", { 204: Nothing }),
        body: DecideDevice,
      },
    },
    async (request, reply) => {
      const identity = requirePerson(context, request);
      requireDeviceCodes(context);
      requireFresh(identity);
      const { userCode, allow, scopes: chosen } = request.body;
      const by = typist(identity, request);
      if (allow) {
        const row = await store.deviceCodes.find(userCode, by);
        const scopes = choose(grantable(identity, askedScopes(row.scopes)), chosen);
        if (scopes.length === 0) throw nothingLeft();
        await store.deviceCodes.decide(userCode, by, scopes);
      } else await store.deviceCodes.decide(userCode, by, null);
      return reply.code(204).send(null);
    },
  );
}

/** A person in a browser: no program may allow another one in. @throws ProtocolError forbidden */
function requirePerson(context: ApiContext, request: FastifyRequest): Identity {
  requireOwnPage(context, request);
  const identity = identityOf(request);
  if (identity.kind === "browser") return identity;
  throw new ProtocolError("forbidden", "Programs are allowed in a browser: open the page of this gateway.");
}

/** @throws ProtocolError forbidden */
function requireDeviceCodes({ signInMethods }: ApiContext): void {
  if (signInMethods.deviceCodes) return;
  throw new ProtocolError("forbidden", "This gateway takes no device codes.");
}

/** What of it the session has itself. */
function grantable(identity: Identity, asked: readonly OAuthScope[]): readonly OAuthScope[] {
  return asked.filter((scope) => identity.scopes.has(scope));
}

/** @throws ProtocolError bad_request */
function choose(
  offered: readonly OAuthScope[],
  chosen: readonly OAuthScope[] | undefined,
): readonly OAuthScope[] {
  if (chosen === undefined || chosen.every((scope) => offered.includes(scope))) return chosen ?? offered;
  throw new ProtocolError("bad_request", "Choose among the scopes that were asked for.", { field: "scopes" });
}

function askedScopes(stored: string): readonly OAuthScope[] {
  const scopes = parseScopes(stored);
  return OAUTH_SCOPES.filter((scope) => scopes.includes(scope));
}

function nothingToGrant(
  context: ApiContext,
  { redirectUri, state }: { readonly redirectUri: string; readonly state: string },
): string {
  return withAnswer(redirectUri, {
    error: "invalid_scope",
    error_description: nothingLeft().message,
    state,
    iss: context.publicUrl(),
  });
}

function nothingLeft(): ProtocolError {
  return new ProtocolError(
    "scope_missing",
    "This browser session has none of the scopes that are asked for.",
  );
}

function typist({ account, tokenId }: Identity, { clientAddress }: FastifyRequest): Typist {
  return { accountId: account.id, account: account.name, sessionId: tokenId, address: clientAddress };
}
