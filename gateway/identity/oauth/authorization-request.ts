// Reads an authorization request (RFC 6749 §4.1.1, RFC 7636, RFC 9207): the query of the consent page.

import { ProtocolError } from "../../../protocol/errors.ts";
import {
  DEVICE_PARAMETER,
  OAUTH_CLIENTS,
  OAUTH_SCOPES,
  type OAuthClient,
  type OAuthErrorCode,
  type OAuthScope,
} from "../../../protocol/sign-in/oauth.ts";
import { isPrintable } from "../../../protocol/values/printable.ts";
import { parameter, readForm, TWICE } from "./form.ts";
import { redirectTarget, withAnswer } from "./redirect-uri.ts";

const MAX_STATE = 500;
const MAX_DEVICE = 100;
const DEFAULT_SCOPES: readonly OAuthScope[] = ["connect", "account"];
const CHALLENGE = /^[A-Za-z0-9_-]{43}$/;

export interface AuthorizationRequest {
  readonly kind: "request";
  readonly client: OAuthClient;
  readonly redirectUri: string;
  readonly redirectTo: string;
  readonly challenge: string;
  readonly state: string;
  readonly scopes: readonly OAuthScope[];
  readonly device: string;
}

/** A request that is faulty, from a client that is known: the client is told. */
export interface FaultyRequest {
  readonly kind: "faulty";
  readonly redirect: string;
}

type Form = ReadonlyMap<string, readonly string[]>;

/**
 * @param issuer the gateway's public URL
 * @throws ProtocolError bad_request: it does not say for certain who asks and where the answer may go, so only the person
 *   is told
 */
export function readAuthorizationRequest(
  query: string,
  issuer: string,
): AuthorizationRequest | FaultyRequest {
  const form = readForm(query);
  if (form === undefined) throw shown("This sign-in link is malformed.");
  const client = clientOf(parameter(form, "client_id"));
  if (client === undefined) throw shown("This sign-in link is not of a program that this gateway knows.");
  const redirectUri = parameter(form, "redirect_uri");
  const redirectTo = typeof redirectUri === "string" ? redirectTarget(client, redirectUri) : undefined;
  if (typeof redirectUri !== "string" || redirectTo === undefined) {
    throw shown("This sign-in link leads to a place that is not the program's own, so it is not followed.");
  }
  const state = stateOf(form);
  const refused = (
    error: OAuthErrorCode | "unsupported_response_type",
    description: string,
  ): FaultyRequest => ({
    kind: "faulty",
    redirect: withAnswer(redirectUri, { error, error_description: description, state, iss: issuer }),
  });

  const doubled = [...form].find(([, values]) => values.length > 1);
  if (doubled !== undefined) return refused("invalid_request", "A parameter is there twice.");
  if (state === undefined) return refused("invalid_request", "state is missing or not as it should be.");
  const responseType = parameter(form, "response_type");
  if (responseType === undefined) return refused("invalid_request", "response_type is missing.");
  if (responseType !== "code") return refused("unsupported_response_type", "Only code is supported.");
  const mode = parameter(form, "response_mode");
  if (mode !== undefined && mode !== "query") return refused("invalid_request", "The answer is a query.");
  if (form.has("request") || form.has("request_uri")) {
    return refused("invalid_request", "Request objects are not supported.");
  }
  if (parameter(form, "code_challenge_method") !== "S256") {
    return refused("invalid_request", "code_challenge_method must be S256.");
  }
  const challenge = parameter(form, "code_challenge");
  if (typeof challenge !== "string" || !CHALLENGE.test(challenge)) {
    return refused("invalid_request", "code_challenge is missing or not as it should be.");
  }
  const scopes = readScopes(parameter(form, "scope"));
  if (scopes === undefined) return refused("invalid_scope", "There is a scope that programs cannot have.");
  const device = readDevice(parameter(form, DEVICE_PARAMETER));
  if (device === undefined) return refused("invalid_request", `${DEVICE_PARAMETER} is not as it should be.`);
  return { kind: "request", client, redirectUri, redirectTo, challenge, state, scopes, device };
}

/** undefined: it is not one of ours. */
export function clientOf(value: unknown): OAuthClient | undefined {
  return OAUTH_CLIENTS.find((client) => client === value);
}

/** Without any: the default. undefined: there is one that clients cannot have. */
export function readScopes(value: string | undefined | typeof TWICE): readonly OAuthScope[] | undefined {
  if (value === undefined) return DEFAULT_SCOPES;
  if (value === TWICE) return undefined;
  const words = value.split(" ");
  const isKnown = words.every((word) => OAUTH_SCOPES.some((scope) => scope === word));
  return isKnown ? OAUTH_SCOPES.filter((scope) => words.includes(scope)) : undefined;
}

/** How the client calls itself. undefined: not one line of text that can be shown. */
export function readDevice(value: string | undefined | typeof TWICE): string | undefined {
  if (value === undefined) return "an unnamed device";
  if (value === TWICE || value.length > MAX_DEVICE || value.trim() === "") return undefined;
  return isPrintable(value) && value.isWellFormed() ? value : undefined;
}

function stateOf(form: Form): string | undefined {
  const state = parameter(form, "state");
  const isGood = typeof state === "string" && state.length <= MAX_STATE && /^[\x20-\x7e]+$/.test(state);
  return isGood ? state : undefined;
}

function shown(message: string): ProtocolError {
  return new ProtocolError("bad_request", `${message} Start again in the program that you came from.`, {
    field: "query",
  });
}
