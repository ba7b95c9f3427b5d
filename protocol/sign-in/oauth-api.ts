// The shapes that the consent page and the device page exchange with the gateway's API.

import { type Static, Type } from "typebox";
import { ClientAddressText, closedObject, Keyword, PrintableText, Time } from "../values/fields.ts";
import { OAUTH_SCOPES, type OAuthScope } from "./oauth.ts";

const OAuthScopeText = Type.Unsafe<OAuthScope>({ type: "string", enum: [...OAUTH_SCOPES] });
const Scopes = Type.Array(OAuthScopeText, { minItems: 1, maxItems: 3, uniqueItems: true });

/** The query of the authorization request, unchanged and without its `?`. */
export const AuthorizationRequest = closedObject({ query: Type.String({ maxLength: 4_000 }) });

/** What the consent page shows. */
export const AuthorizationPrompt = closedObject({
  client: Keyword,
  /** The program and the machine as the client calls itself: `sallyport 0.1.0 on laptop`. */
  device: PrintableText(100),
  scopes: Scopes,
  /** Where the answer goes: `127.0.0.1`, or the scheme of an editor. */
  redirectTo: PrintableText(100),
});
export type AuthorizationPrompt = Static<typeof AuthorizationPrompt>;

/** Where the page goes next; the URL carries the code (or the error), `state` and `iss`. */
export const AuthorizationDecision = closedObject({ redirect: Type.String({ maxLength: 4_000 }) });
/** The answer to an authorization request: what to ask the person or, if it is faulty, where its error goes at once. */
export const AuthorizationQuestion = Type.Union([AuthorizationPrompt, AuthorizationDecision]);

export const DecideAuthorization = closedObject({
  query: Type.String({ maxLength: 4_000 }),
  allow: Type.Boolean(),
  /** Missing: all that the client asked for and this session has. */
  scopes: Type.Optional(Scopes),
});

/** Asks what a device's code stands for. */
export const DeviceCodeLookup = closedObject({ userCode: Type.String({ maxLength: 40 }) });
export const DevicePrompt = closedObject({
  client: Keyword,
  device: PrintableText(100),
  scopes: Scopes,
  /** Of the device that asks. */
  address: ClientAddressText,
  createdAt: Time,
  expiresAt: Time,
});
export type DevicePrompt = Static<typeof DevicePrompt>;
export const DecideDevice = closedObject({
  userCode: Type.String({ maxLength: 40 }),
  allow: Type.Boolean(),
  scopes: Type.Optional(Scopes),
});
