// Somebody came back from a provider, and it vouches for them: the rules decide, the account is found or made, and the browser is
// signed in. Every way through here ends at a path of the dashboard.

import type { FastifyReply, FastifyRequest } from "fastify";
import { ProtocolError } from "../../../../protocol/errors.ts";
import { PAGES } from "../../../../protocol/sign-in/pages.ts";
import { parseTokenId } from "../../../../protocol/values/id.ts";
import type { Name } from "../../../../protocol/values/name.ts";
import type { Identity } from "../../../directory.ts";
import type { ApiContext } from "../../../http/context.ts";
import type { IdentityRow, InvitationRow } from "../../../store/database/sign-in-schema.ts";
import type { IdentityFacts } from "../../../store/sign-ins/identities.ts";
import { requireAsMuch, signBrowserIn } from "../../browser-session/browser-session.ts";
import { cookieOf, SESSION_COOKIE } from "../../browser-session/cookies.ts";
import { forgetInvitation, openedInvitation } from "../../invitations/opened.ts";
import { allClaims, type ProvedIdentity, type Provider } from "../provider.ts";
import { providerFacts } from "../provider-tokens.ts";
import { accountNameOf, displayOf, judge, suggestedName, type Verdict } from "../rules.ts";
import type { Attempt } from "./attempts.ts";
import { keepFirstSignIn } from "./first-sign-in.ts";
import { saveTest } from "./provider-test.ts";

/** A provider need not have asked for the password in this very second. Milliseconds. */
const RECENT_MS = 5 * 60_000;

export interface Returned {
  readonly context: ApiContext;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly provider: Provider;
  readonly attempt: Attempt;
  readonly proved: ProvedIdentity;
}

/** @returns where the browser goes @throws ProtocolError */
export async function enter(returned: Returned): Promise<string> {
  const { context, provider, attempt, proved } = returned;
  if (attempt.purpose === "test") {
    const session = await sessionThatAsked(returned);
    await saveTest(context.store, session.tokenId, provider, { proved });
    return attempt.back;
  }
  const known = await context.store.identities.find(proved.issuer, proved.subject);
  const verdict = await admitted(returned, known);
  switch (attempt.purpose) {
    case "link":
      return await link(returned, known);
    case "again":
      return await confirmPerson(returned, known, verdict);
    default: {
      const invitation = await invitationOf(returned);
      if (known === undefined) return await firstTime(returned, verdict, invitation);
      if (invitation?.kind === "identity" && invitation.account_id !== known.account_id) {
        throw new ProtocolError("forbidden", "This identity belongs to a different account already.");
      }
      return await signIn(returned, known, verdict);
    }
  }
}

/** @throws ProtocolError sign_in_refused: the rules do not let the person in */
async function admitted(
  { context, request, provider, proved }: Returned,
  known: IdentityRow | undefined,
): Promise<Verdict> {
  const { settings } = provider;
  const verdict = judge(settings, allClaims(proved));
  for (const warning of verdict.warnings) {
    context.log.warn(
      { provider: settings.id, warning },
      "An identity provider's claims do not fit the rules.",
    );
  }
  if (verdict.allowed) return verdict;
  if (known !== undefined && !verdict.missing) {
    // They may not come in any more, so they do not stay in either.
    const all = await context.store.signIns.byIdentity(known.id);
    await context.liveness.end(all, `not admitted: ${verdict.rule}`, request.clientAddress);
  }
  throw new ProtocolError(
    "sign_in_refused",
    `This gateway does not admit you by ${settings.label} (${verdict.rule}): ask an administrator.`,
  );
}

async function signIn(returned: Returned, identity: IdentityRow, verdict: Verdict): Promise<string> {
  const { context, request, reply, provider, attempt, proved } = returned;
  await applyRole(returned, identity, verdict);
  await signBrowserIn(context, request, reply, {
    accountId: identity.account_id,
    method: provider.settings.kind,
    identity: providerFacts(context.sealer, provider.settings.id, identity.id, proved),
    ...(attempt.purpose === "again" ? {} : { provedAt: provedAt(proved) }),
  });
  await context.store.identities.noteSignIn(identity.id, factsOf(returned).display);
  return attempt.back;
}

/** When the provider asked the person, who may have gone away since; null: it does not say. */
function provedAt({ authenticatedAt }: ProvedIdentity): Date | null {
  if (authenticatedAt === undefined) return null;
  return new Date(Math.min(authenticatedAt.getTime(), Date.now()));
}

async function applyRole(returned: Returned, { account_id }: IdentityRow, { role }: Verdict): Promise<void> {
  const { context, request, provider } = returned;
  const { store, log } = context;
  const id = provider.settings.id;
  const account = (await store.accounts.get(account_id))?.name ?? "";
  const actor = { account, address: request.clientAddress };
  if (role === "undecided") return;
  if (role === "keep") {
    store.audit({
      event: "account.role-unknown",
      ...actor,
      detail: `the provider ${id} sent no groups, so the role stays`,
    });
    return;
  }
  const outcome = await store.identities.setRole(account_id, role === "admin", id, actor);
  if (outcome === "last") {
    log.warn({ provider: id, account }, "The last administrator stays one, whatever the provider says.");
  }
}

async function firstTime(
  returned: Returned,
  verdict: Verdict,
  invitation: InvitationRow | undefined,
): Promise<string> {
  const { context, request, reply, provider, attempt, proved } = returned;
  const { store, sealer } = context;
  const { settings } = provider;
  const facts = factsOf(returned);
  if (invitation?.kind === "identity") {
    const row = await store.identities.linkInvited(invitation.id, facts, request.clientAddress);
    forgetInvitation(reply);
    return await signIn(returned, row, verdict);
  }
  const scimAccount = settings.scim ? await store.identities.scimAccount(proved.subject) : undefined;
  if (scimAccount !== undefined) {
    const account = (await store.accounts.get(scimAccount))?.name ?? "";
    const actor = { account, address: request.clientAddress };
    return await signIn(returned, await store.identities.link(scimAccount, facts, actor), verdict);
  }
  const claims = allClaims(proved);
  const name = invitation?.name ?? accountNameOf(settings, claims);
  if (name !== undefined && (invitation?.name != null || (await isFree(context, name)))) {
    const row = await store.identities.createAccount(
      name,
      facts,
      roleOf(verdict, settings.id),
      request.clientAddress,
      invitation?.id,
    );
    if (invitation !== undefined) forgetInvitation(reply);
    return await signIn(returned, row, verdict);
  }
  const suggestion = suggestedName(settings, claims);
  keepFirstSignIn(sealer, reply, {
    ...facts,
    suggestion: suggestion !== undefined && (await isFree(context, suggestion)) ? suggestion : "",
    admin: verdict.role === "undecided" ? null : verdict.role === "admin",
    ...(invitation === undefined ? {} : { invitation: invitation.id }),
    ...(proved.session === undefined ? {} : { session: proved.session }),
    ...(proved.refresh === undefined ? {} : { refresh: proved.refresh }),
    ...(proved.idToken === undefined ? {} : { idToken: proved.idToken }),
  });
  return `${PAGES.chooseName}?${new URLSearchParams({ return: attempt.back })}`;
}

/**
 * The invitation that the browser has opened, if the person signs in to accept it.
 * @throws ProtocolError bad_request, token_unknown, token_revoked, token_expired, account_disabled
 */
async function invitationOf({ context, request, attempt }: Returned): Promise<InvitationRow | undefined> {
  if (attempt.purpose !== "invitation") return undefined;
  const id = openedInvitation(context, request);
  if (id === undefined) throw new ProtocolError("bad_request", "Open the link of your invitation once more.");
  return await context.store.invitations.open({ id });
}

/** Accounts are never deleted, so a name that somebody had is taken for ever. */
async function isFree(context: ApiContext, name: Name): Promise<boolean> {
  return (await context.store.accounts.byName(name)) === undefined;
}

function roleOf(
  { role }: Verdict,
  provider: string,
): { readonly admin: boolean; readonly from: string | null } {
  return role === "undecided" ? { admin: false, from: null } : { admin: role === "admin", from: provider };
}

/** @throws ProtocolError identity_mismatch: somebody else confirmed it */
async function confirmPerson(
  returned: Returned,
  known: IdentityRow | undefined,
  verdict: Verdict,
): Promise<string> {
  const { provider, proved } = returned;
  const session = await sessionThatAsked(returned);
  if (known?.account_id !== session.account.id) {
    throw new ProtocolError(
      "identity_mismatch",
      `That is a different person at ${provider.settings.label}: confirm with the account that you are signed in with.`,
    );
  }
  const at = proved.authenticatedAt?.getTime();
  if (at !== undefined && at < Date.now() - RECENT_MS) {
    throw new ProtocolError(
      "sign_in_refused",
      `${provider.settings.label} did not ask who you are: sign out there, and try again.`,
    );
  }
  return await signIn(returned, known, verdict);
}

/** @throws ProtocolError forbidden: the identity belongs to a different account; limit_reached, scope_missing */
async function link(returned: Returned, known: IdentityRow | undefined): Promise<string> {
  const { context, request, attempt } = returned;
  const session = await sessionThatAsked(returned);
  requireAsMuch(session);
  if (known?.account_id === session.account.id) return attempt.back;
  const actor = { account: session.account.name, address: request.clientAddress };
  await context.store.identities.link(session.account.id, factsOf(returned), actor);
  return attempt.back;
}

/**
 * The browser session that started the attempt. The cookie counts here although the browser comes from the provider's page,
 * because only this browser has the attempt.
 * @throws ProtocolError token_revoked: the browser is signed in differently now, or not at all
 */
async function sessionThatAsked({ context, request, attempt }: Returned): Promise<Identity> {
  const secret = cookieOf(request, SESSION_COOKIE);
  if (secret !== undefined && attempt.session !== null) {
    const identity = await context.store.signIns.authenticateSession(secret, request.clientAddress);
    if (identity.tokenId === parseTokenId(attempt.session)) return identity;
  }
  throw new ProtocolError("token_revoked", "This browser is not signed in any more: sign in, and try again.");
}

function factsOf({ provider, proved }: Returned): IdentityFacts {
  return {
    provider: provider.settings.id,
    issuer: proved.issuer,
    subject: proved.subject,
    display: displayOf(allClaims(proved), proved.subject),
  };
}
