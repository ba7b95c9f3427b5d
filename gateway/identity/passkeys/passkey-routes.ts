// /session/passkey: signs a browser in by a passkey, or confirms who it is. /passkeys: those of the account.

import type { FastifyRequest } from "fastify";
import { Type } from "typebox";
import { ProtocolError } from "../../../protocol/errors.ts";
import {
  PasskeyAssertion,
  PasskeyInfo,
  PasskeyOptions,
  PasskeyRegistration,
  SessionInfo,
} from "../../../protocol/sign-in/api.ts";
import { PasskeyIdText } from "../../../protocol/values/fields.ts";
import { parsePasskeyId, parseTokenId } from "../../../protocol/values/id.ts";
import type { Identity } from "../../directory.ts";
import type { Api, ApiContext } from "../../http/context.ts";
import { described, Nothing } from "../../http/openapi.ts";
import { actorOf, identityOf, signedIn, signedInFresh } from "../../http/sign-in.ts";
import {
  requireAsMuch,
  requireOwnPage,
  sessionBody,
  signBrowserIn,
} from "../browser-session/browser-session.ts";
import {
  assertionOptions,
  checkAssertion,
  checkRegistration,
  credentialOf,
  registrationOptions,
} from "./ceremonies.ts";
import { keepChallenge, takeChallenge } from "./challenge.ts";
import { relyingParty } from "./relying-party.ts";

export function passkeyRoutes(api: Api, context: ApiContext): void {
  const { store } = context;

  api.post(
    "/session/passkey/options",
    {
      schema: described("sign-in", "startPasskeySignIn", "Get what a passkey has to answer to sign in.", {
        200: PasskeyOptions,
      }),
    },
    async (request, reply) => {
      requireOwnPage(context, request);
      const options = await assertionOptions(relyingParty(context.publicUrl()));
      keepChallenge(context, reply, "sign-in", options.challenge, {});
      return { options };
    },
  );

  api.post(
    "/session/passkey",
    {
      schema: {
        ...described(
          "sign-in",
          "signInByPasskey",
          "Sign this browser in by a passkey, or confirm who you are.",
          { 200: SessionInfo },
        ),
        body: PasskeyAssertion,
      },
    },
    async (request, reply) => {
      requireOwnPage(context, request);
      const challenge = takeChallenge(context, request, reply, "sign-in");
      const { response } = request.body;
      const credential = credentialOf(response);
      const passkey = credential === undefined ? undefined : await store.passkeys.byCredential(credential);
      const party = relyingParty(context.publicUrl());
      const counter = await checkAssertion(party, response, challenge.challenge, passkey);
      if (passkey === undefined || counter === undefined) throw refuse(context, request, NOT_ACCEPTED);
      try {
        const answered = { text: challenge.challenge, expiresAt: new Date(challenge.expiresAt) };
        await store.passkeys.used(passkey, counter, answered, request.clientAddress);
      } catch (error) {
        if (error instanceof ProtocolError) throw refuse(context, request, error.message);
        throw error;
      }
      const parent = await store.passkeys.parentOf(passkey);
      const { id } = await signBrowserIn(context, request, reply, {
        accountId: passkey.account_id,
        method: "passkey",
        // Like the passkey itself, it ends when the token is revoked that the passkey was made with.
        ...(parent === null ? {} : { token: { id: parent } }),
      });
      return await sessionBody(context, id);
    },
  );

  api.get(
    "/passkeys",
    {
      onRequest: signedIn(context, "account"),
      schema: described("sign-in", "listPasskeys", "List the account's passkeys.", {
        200: Type.Array(PasskeyInfo),
      }),
    },
    async (request) => await store.passkeys.list(identityOf(request).account.id),
  );

  const onChange = signedInFresh(context, "account");
  api.post(
    "/passkeys/options",
    {
      onRequest: onChange,
      schema: described("sign-in", "startPasskey", "Get what a new passkey of the account is made with.", {
        200: PasskeyOptions,
      }),
    },
    async (request, reply) => {
      const identity = identityOf(request);
      requireBrowser(identity);
      requireAsMuch(identity);
      const { id, name } = identity.account;
      const passkeys = await store.passkeys.rows(id);
      const party = relyingParty(context.publicUrl());
      const options = await registrationOptions(party, { id, name, passkeys });
      keepChallenge(context, reply, "add", options.challenge, { account: id });
      return { options };
    },
  );

  api.post(
    "/passkeys",
    {
      onRequest: onChange,
      schema: {
        ...described("sign-in", "addPasskey", "Add a passkey to the account.", { 201: PasskeyInfo }),
        body: PasskeyRegistration,
      },
    },
    async (request, reply) => {
      const identity = identityOf(request);
      requireBrowser(identity);
      requireAsMuch(identity);
      const { challenge, account } = takeChallenge(context, request, reply, "add");
      if (account !== identity.account.id) {
        throw new ProtocolError("bad_request", "A different account is signed in by now: try again.");
      }
      const { response, title } = request.body;
      const made = await checkRegistration(relyingParty(context.publicUrl()), response, challenge);
      const passkey = { ...made, title: title.trim() === "" ? "Passkey" : title };
      const info = await store.passkeys.add(
        identity.account.id,
        passkey,
        identity.mintsUnder,
        actorOf(request),
      );
      return reply.code(201).send(info);
    },
  );

  api.delete(
    "/passkeys/:id",
    {
      onRequest: onChange,
      schema: {
        ...described(
          "sign-in",
          "removePasskey",
          "Remove a passkey. Other browsers that signed in with one are signed out.",
          { 204: Nothing },
        ),
        params: Type.Object({ id: PasskeyIdText }),
      },
    },
    async (request, reply) => {
      const { account, tokenId } = identityOf(request);
      const actor = actorOf(request);
      await store.passkeys.remove(account.id, parsePasskeyId(request.params.id), actor);
      // Somebody else may have had it. Which of the passkeys signed a browser in is not kept.
      for (const { id, method } of await store.signIns.list(account.id)) {
        const other = parseTokenId(id);
        if (method === "passkey" && other !== tokenId) await store.tokens.revoke(account.id, other, actor);
      }
      return reply.code(204).send(null);
    },
  );
}

const NOT_ACCEPTED = "This passkey is not known here, or did not confirm that it is you: try again.";

/** Counted and audited as other failed sign-ins; one answer for all reasons. */
function refuse({ throttle, store }: ApiContext, request: FastifyRequest, message: string): ProtocolError {
  const address = request.clientAddress;
  throttle.check(address);
  throttle.failed(address);
  store.audit({ event: "sign-in.refused", address, code: "sign_in_refused", detail: "passkey" });
  return new ProtocolError("sign_in_refused", message);
}

/** @throws ProtocolError forbidden */
function requireBrowser({ kind }: Identity): void {
  if (kind === "browser") return;
  throw new ProtocolError("forbidden", "Passkeys are made in a browser that is signed in.");
}
