// The browser's session: which requests its cookie counts for, and how a page signs in and out.

import type { FastifyReply, FastifyRequest } from "fastify";
import type { Scope } from "../../../protocol/api.ts";
import { ProtocolError } from "../../../protocol/errors.ts";
import type { SessionInfo, SignInMethod } from "../../../protocol/sign-in/api.ts";
import { isPlainRemote } from "../../../protocol/values/gateway-url.ts";
import type { AccountId, TokenId } from "../../../protocol/values/id.ts";
import { printable } from "../../../protocol/values/printable.ts";
import type { SessionSecret } from "../../../protocol/values/token.ts";
import type { Identity } from "../../directory.ts";
import type { ApiContext } from "../../http/context.ts";
import { accountBody } from "../../store/accounts.ts";
import { SIGN_IN_LIFETIMES } from "../../store/sign-ins/lifetimes.ts";
import { endOf } from "../../store/sign-ins/sign-in-body.ts";
import type { ProviderFacts } from "../../store/sign-ins/sign-ins.ts";
import { cookieOf, SESSION_COOKIE, setCookie } from "./cookies.ts";

/** For so long after somebody proved who they are, they can make tokens and administer. Milliseconds. */
const FRESH_MS = 10 * 60_000;
const SAFE: ReadonlySet<string> = new Set(["GET", "HEAD"]);

/**
 * Whether a request comes from a page of this gateway, so that the cookie may count (CSRF). Browsers say so themselves;
 * those that do not are believed for reading, and otherwise if they name exactly our origin.
 */
function comesFromOwnPage(request: FastifyRequest, publicOrigin: string): boolean {
  const { "sec-fetch-site": site, origin } = request.headers;
  if (site !== undefined) return site === "same-origin";
  if (origin !== undefined) return origin === publicOrigin;
  return SAFE.has(request.method);
}

/** @throws ProtocolError forbidden */
export function requireOwnPage(context: ApiContext, request: FastifyRequest): void {
  if (comesFromOwnPage(request, new URL(context.publicUrl()).origin)) return;
  throw new ProtocolError("forbidden", "This request does not come from a page of this gateway.");
}

/**
 * The session that a request's cookie names; undefined: it has none, or does not come from a page of this gateway.
 * @throws ProtocolError token_unknown, token_revoked, token_expired, account_disabled, bad_token, bad_request
 */
export async function sessionOf(context: ApiContext, request: FastifyRequest): Promise<Identity | undefined> {
  const secret = cookieOf(request, SESSION_COOKIE);
  if (secret === undefined || !comesFromOwnPage(request, new URL(context.publicUrl()).origin))
    return undefined;
  return await context.store.signIns.authenticateSession(secret, request.clientAddress);
}

/**
 * Makes sure that a person in a browser has recently proved who they are. Tokens are not asked.
 * @throws ProtocolError reauthentication_required
 */
export function requireFresh({ kind, authenticatedAt }: Identity, now = Date.now()): void {
  if (kind !== "browser") return;
  if (authenticatedAt !== null && authenticatedAt.getTime() + FRESH_MS > now) return;
  throw new ProtocolError("reauthentication_required", "Confirm that it is you: sign in once more.");
}

export interface ProvedPerson {
  readonly accountId: AccountId;
  readonly method: SignInMethod;
  /** The access token that the session ends with, and whose scopes it has; without scopes: all that the account may do. */
  readonly token?: { readonly id: TokenId; readonly scopes?: ReadonlySet<Scope> };
  readonly identity?: ProviderFacts;
  /**
   * When they did, if it was not now: a provider need not ask somebody again whom it still knows. null: the provider does not
   * say, so a session that there is gets no fresher by it.
   */
  readonly provedAt?: Date | null;
}

/**
 * Signs the browser in as somebody who has just proved who they are. A session of the same account goes on with a new
 * secret, one of a different account ends. Sets the cookie.
 * @throws ProtocolError account_disabled, forbidden (no cookie can be kept here), token_revoked, token_expired
 */
export async function signBrowserIn(
  context: ApiContext,
  request: FastifyRequest,
  reply: FastifyReply,
  person: ProvedPerson,
): Promise<{ readonly id: TokenId }> {
  const { store } = context;
  requireCookies(context);
  const account = await store.accounts.get(person.accountId);
  if (account === undefined || account.disabled === 1) {
    throw new ProtocolError("account_disabled", "This account is disabled: ask an administrator.");
  }
  const actor = { account: account.name, address: request.clientAddress };
  const before = await presentSession(context, request);
  const isSame =
    before?.account.id === person.accountId &&
    // A session ends with the token that it was made with, so a different way of signing in makes a new one.
    before.mintsUnder === (person.token?.id ?? null) &&
    // Somebody who has become an administrator gets a session that may administer.
    (person.token?.scopes !== undefined || account.admin === 0 || before.scopes.has("admin"));
  if (before !== undefined && isSame) {
    const { method, identity, provedAt } = person;
    const at = provedAt === undefined ? undefined : later(before.authenticatedAt, provedAt);
    const secret = await store.signIns.renewBrowser(before.tokenId, method, identity, at);
    sendSession(reply, secret);
    return { id: before.tokenId };
  }
  const scopes = [...(person.token?.scopes ?? fullScopes(account.admin === 1))];
  const { id, secret } = await store.signIns.createBrowser(
    {
      accountId: person.accountId,
      client: "dashboard",
      device: describeBrowser(request.headers["user-agent"]),
      method: person.method,
      scopes,
      parent: person.token?.id ?? null,
      address: request.clientAddress,
      ...(person.identity === undefined ? {} : { identity: person.identity }),
      ...(person.provedAt == null ? {} : { authenticatedAt: person.provedAt }),
    },
    actor,
  );
  if (before !== undefined) endAfterAnswer(context, reply, before, request.clientAddress);
  sendSession(reply, secret);
  return { id };
}

/**
 * Ends the browser's former session once the browser has the answer with the new cookie. Pages of the former session notice
 * its end and ask which session they have; they must not ask with the old cookie.
 */
function endAfterAnswer(
  { store, log }: ApiContext,
  reply: FastifyReply,
  { account, tokenId }: Identity,
  address: string,
): void {
  reply.raw.once("close", () => {
    store.tokens.revoke(account.id, tokenId, { account: account.name, address }).catch((error: unknown) => {
      // It has ended by itself in the meantime.
      if (error instanceof ProtocolError && error.code === "not_found") return;
      log.error({ err: error, token: tokenId }, "A browser's former session could not be ended.");
    });
  });
}

/** Whether browsers keep the cookie: it needs https, or this machine. */
export function keepsCookies(context: Pick<ApiContext, "publicUrl">): boolean {
  return !isPlainRemote(context.publicUrl());
}

/** @throws ProtocolError forbidden */
export function requireCookies(context: ApiContext): void {
  if (keepsCookies(context)) return;
  throw new ProtocolError(
    "forbidden",
    "Browsers sign in over https only: give this gateway a certificate (--acme, or --tls-cert and --tls-key).",
  );
}

/** What a person can do who proved to be the account's owner, and not only to hold one of its tokens. */
export function fullScopes(admin: boolean): Scope[] {
  return ["connect", "account", "host", ...(admin ? (["admin"] as const) : [])];
}

/**
 * A passkey or an identity signs in with all that its account may do, so a browser that may do less must not add one.
 * @throws ProtocolError scope_missing
 */
export function requireAsMuch({ account, scopes }: Identity): void {
  const missing = fullScopes(account.admin).find((scope) => !scopes.has(scope));
  if (missing === undefined) return;
  throw new ProtocolError(
    "scope_missing",
    `This browser is signed in with an access token that lacks the scope ${missing}: sign in with one that may do everything.`,
  );
}

export function forgetSession(reply: FastifyReply): void {
  setCookie(reply, SESSION_COOKIE, "", 0);
}

/** @throws ProtocolError token_revoked */
export async function sessionBody(context: ApiContext, id: TokenId): Promise<SessionInfo> {
  const row = await context.store.signIns.row(id);
  const account = row === undefined ? undefined : await context.store.accounts.get(row.account_id);
  const identity = await context.store.recheck(id);
  if (row === undefined || account === undefined) {
    throw new ProtocolError("token_revoked", "This browser is not signed in any more.");
  }
  return {
    account: accountBody(account),
    signInId: id,
    scopes: [...identity.scopes],
    method: row.method,
    provider: row.provider,
    authenticatedAt: row.authenticated_at,
    freshUntil: new Date(Date.parse(row.authenticated_at) + FRESH_MS).toISOString(),
    expiresAt: endOf(row),
  };
}

function later(one: Date | null, other: Date | null): Date {
  return new Date(Math.max(one?.getTime() ?? 0, other?.getTime() ?? 0));
}

/** The session that the browser has now, if it is still good. */
async function presentSession(context: ApiContext, request: FastifyRequest): Promise<Identity | undefined> {
  try {
    const secret = cookieOf(request, SESSION_COOKIE);
    if (secret === undefined) return undefined;
    return await context.store.signIns.authenticateSession(secret, request.clientAddress);
  } catch (error) {
    if (error instanceof ProtocolError) return undefined;
    throw error;
  }
}

function sendSession(reply: FastifyReply, secret: SessionSecret): void {
  setCookie(reply, SESSION_COOKIE, secret, SIGN_IN_LIFETIMES.browser);
}

/** `Firefox on Linux`, from what the browser says of itself. */
function describeBrowser(userAgent: string | undefined): string {
  const text = (userAgent ?? "").slice(0, 500);
  const browser =
    (
      [
        [/Edg\//, "Edge"],
        [/OPR\//, "Opera"],
        [/Firefox\//, "Firefox"],
        [/Chrom(e|ium)\//, "Chrome"],
        [/Safari\//, "Safari"],
      ] as const
    ).find(([form]) => form.test(text))?.[1] ?? "a browser";
  const system = (
    [
      [/Android/, "Android"],
      [/iPhone|iPad/, "iOS"],
      [/Windows/, "Windows"],
      [/Mac OS X/, "macOS"],
      [/CrOS/, "ChromeOS"],
      [/Linux/, "Linux"],
    ] as const
  ).find(([form]) => form.test(text))?.[1];
  return printable(system === undefined ? browser : `${browser} on ${system}`, 100);
}
