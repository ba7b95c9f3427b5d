// The endpoints of the authorization server that programs use: metadata, tokens, device codes, revocation. They take forms, no
// cookies and no secrets in URLs, and no page of a different origin can read their answers.

import type { FastifyRequest } from "fastify";
import { ProtocolError } from "../../../protocol/errors.ts";
import {
  DEVICE_PARAMETER,
  type DeviceAnswer,
  GRANT,
  OAUTH_LIFETIMES,
  OAUTH_PATHS,
  OAUTH_SCOPES,
  type OAuthClient,
  type TokenAnswer,
  USER_CODE_PARAMETER,
} from "../../../protocol/sign-in/oauth.ts";
import { parseAccessToken, parseRefreshToken } from "../../../protocol/values/token.ts";
import type { Api, ApiContext } from "../../http/context.ts";
import { clientOf, readDevice, readScopes } from "./authorization-request.ts";
import { parameter, readForm, TWICE } from "./form.ts";
import { codeGrant, deviceGrant, type Parameter, refreshGrant } from "./grants.ts";
import { OAuthRefusal, sendOAuthError } from "./oauth-refusal.ts";

const MAX_FORM_BYTES = 4 * 1024;

export async function oauthRoutes(api: Api, context: ApiContext): Promise<void> {
  await api.register((instance: Api, _options: object, done: () => void) => {
    instance.setErrorHandler((error: Error, request, reply) =>
      sendOAuthError(error, request, reply, context.log),
    );
    instance.removeAllContentTypeParsers();
    instance.addContentTypeParser(
      "application/x-www-form-urlencoded",
      { parseAs: "string", bodyLimit: MAX_FORM_BYTES },
      (_request: FastifyRequest, body: string, parsed: (error: null, body: string) => void) =>
        parsed(null, body),
    );
    instance.addHook("onRequest", async () => {
      if (!context.isShuttingDown()) return;
      throw new ProtocolError("shutting_down", "The gateway is about to stop; try again in a moment.");
    });
    instance.get(OAUTH_PATHS.metadata, { schema: { hide: true } }, async () => metadata(context));
    instance.post(OAUTH_PATHS.token, { schema: { hide: true } }, async (request, reply) => {
      reply.header("pragma", "no-cache");
      return await token(context, request);
    });
    instance.post(OAUTH_PATHS.device, { schema: { hide: true } }, async (request) =>
      device(context, request),
    );
    instance.post(OAUTH_PATHS.revoke, { schema: { hide: true } }, async (request) =>
      revoke(context, request),
    );
    done();
  });
}

/** RFC 8414. */
function metadata(context: ApiContext): object {
  const issuer = context.publicUrl();
  const { deviceCodes } = context.signInMethods;
  return {
    issuer,
    authorization_endpoint: `${issuer}${OAUTH_PATHS.authorize}`,
    token_endpoint: `${issuer}${OAUTH_PATHS.token}`,
    revocation_endpoint: `${issuer}${OAUTH_PATHS.revoke}`,
    ...(deviceCodes ? { device_authorization_endpoint: `${issuer}${OAUTH_PATHS.device}` } : {}),
    response_types_supported: ["code"],
    response_modes_supported: ["query"],
    grant_types_supported: [GRANT.code, GRANT.refresh, ...(deviceCodes ? [GRANT.device] : [])],
    token_endpoint_auth_methods_supported: ["none"],
    revocation_endpoint_auth_methods_supported: ["none"],
    code_challenge_methods_supported: ["S256"],
    scopes_supported: OAUTH_SCOPES,
    authorization_response_iss_parameter_supported: true,
  };
}

async function token(context: ApiContext, request: FastifyRequest): Promise<TokenAnswer> {
  const read = readBody(request);
  const client = readClient(read);
  const grant = read("grant_type");
  if (grant === undefined) throw new OAuthRefusal("invalid_request", "grant_type is missing.");
  const asked = { client, parameter: read, address: request.clientAddress };
  return await counted(context, request, async () => {
    switch (grant) {
      case GRANT.code:
        return await codeGrant(context, asked);
      case GRANT.refresh:
        return await refreshGrant(context, asked);
      case GRANT.device:
        if (context.signInMethods.deviceCodes) return await deviceGrant(context, asked);
    }
    throw new OAuthRefusal("unsupported_grant_type", "This gateway does not give tokens for that.");
  });
}

/** RFC 8628 §3.1. */
async function device(context: ApiContext, request: FastifyRequest): Promise<DeviceAnswer> {
  const read = readBody(request);
  const client = readClient(read);
  if (!context.signInMethods.deviceCodes) {
    throw new OAuthRefusal(
      "unauthorized_client",
      "This gateway takes no device codes: sign in by a browser.",
    );
  }
  const scopes = readScopes(read("scope"));
  if (scopes === undefined) {
    throw new OAuthRefusal("invalid_scope", "There is a scope that programs cannot have.");
  }
  const name = readDevice(read(DEVICE_PARAMETER));
  if (name === undefined) {
    throw new OAuthRefusal("invalid_request", `${DEVICE_PARAMETER} is not as it should be.`);
  }
  const { deviceCode, userCode } = await context.store.deviceCodes.create({
    client,
    device: name,
    scopes,
    address: request.clientAddress,
  });
  const page = `${context.publicUrl()}${OAUTH_PATHS.verify}`;
  return {
    device_code: deviceCode,
    user_code: userCode,
    verification_uri: page,
    verification_uri_complete: `${page}?${USER_CODE_PARAMETER}=${userCode}`,
    expires_in: OAUTH_LIFETIMES.deviceCode,
    interval: OAUTH_LIFETIMES.devicePollInterval,
  };
}

/** RFC 7009: the answer is the same whether there was such a token or not. */
async function revoke(context: ApiContext, request: FastifyRequest): Promise<object> {
  const read = readBody(request);
  const client = readClient(read);
  const given = read("token");
  if (given === undefined) throw new OAuthRefusal("invalid_request", "token is missing.");
  const found = clientToken(given);
  if (found !== undefined) await context.store.signIns.endByToken(found, client, request.clientAddress);
  return {};
}

function clientToken(text: string) {
  for (const parse of [parseRefreshToken, parseAccessToken]) {
    try {
      return parse(text);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
    }
  }
  return undefined;
}

/** @throws OAuthRefusal invalid_request: the body is no form, or something is in the URL */
function readBody(request: FastifyRequest): Parameter {
  // URLs are logged by proxies, so nothing secret may be in one (RFC 6749 §3.2).
  if (request.raw.url?.includes("?") === true) {
    throw new OAuthRefusal("invalid_request", "Send the parameters in the body, and none in the URL.");
  }
  const form = typeof request.body === "string" ? readForm(request.body) : undefined;
  if (form === undefined) throw new OAuthRefusal("invalid_request", "The body is not a form.");
  for (const [, values] of form) {
    if (values.length > 1) throw new OAuthRefusal("invalid_request", "A parameter is there twice.");
  }
  return (name) => {
    const value = parameter(form, name);
    return value === TWICE ? undefined : value;
  };
}

function readClient(read: Parameter): OAuthClient {
  const client = clientOf(read("client_id"));
  if (client === undefined)
    throw new OAuthRefusal("invalid_client", "This gateway does not know this client.");
  return client;
}

/** Counts refused grants by address as other failed sign-ins are, and audits them. */
async function counted<T>(context: ApiContext, request: FastifyRequest, work: () => Promise<T>): Promise<T> {
  const address = request.clientAddress;
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof OAuthRefusal) || error.code !== "invalid_grant") throw error;
    // An address over the limit learns nothing about the grant, and adds nothing to the audit log.
    context.throttle.check(address);
    context.throttle.failed(address);
    context.store.audit({ event: "sign-in.refused", address, code: error.reason?.code ?? "token_unknown" });
    throw error;
  }
}
