// /keys: the account's SSH public keys.

import { Type } from "typebox";
import { AddedKey, CreateKey, Key, PendingKey, ProveKey } from "../../../protocol/api.ts";
import { KEY_PROOF_NAMESPACE, keyProofText } from "../../../protocol/key-proof.ts";
import { isSignedBy } from "../../../protocol/ssh/sshsig.ts";
import { KeyIdText } from "../../../protocol/values/fields.ts";
import { parseGatewayUrl } from "../../../protocol/values/gateway-url.ts";
import { parseKeyId } from "../../../protocol/values/id.ts";
import { printable } from "../../../protocol/values/printable.ts";
import { parsePublicKey } from "../../../protocol/values/ssh-public-key.ts";
import type { Api, ApiContext } from "../context.ts";
import { described } from "../openapi.ts";
import { actorOf, identityOf, signedIn, signedInFresh } from "../sign-in.ts";
import { answerRevoked, REVOKED } from "./revoked.ts";

const KeyParams = Type.Object({ id: KeyIdText });

export function keyRoutes(api: Api, context: ApiContext): void {
  const { store } = context;
  const onRequest = signedIn(context, "account");

  api.post(
    "/keys",
    {
      // The key will open the account's workspaces, so the token needs the scope for that, and a browser a fresh session.
      onRequest: signedInFresh(context, "account", "connect"),
      schema: {
        ...described(
          "keys",
          "addKey",
          "Add an SSH public key. It opens nothing until its holder proves it.",
          { 201: AddedKey },
        ),
        body: CreateKey,
      },
    },
    async (request, reply) => {
      const key = parsePublicKey(request.body.publicKey);
      const title = printable((request.body.title ?? key.comment).slice(0, 100));
      const { account } = identityOf(request);
      const added = await store.pendingKeys.add(account.id, key, title, actorOf(request));
      return reply.code(201).send(added);
    },
  );

  api.post(
    "/keys/:id/proof",
    {
      onRequest: signedInFresh(context, "account", "connect"),
      schema: {
        ...described("keys", "proveKey", "Prove a key with a signature (ssh-keygen -Y sign).", { 200: Key }),
        params: KeyParams,
        body: ProveKey,
      },
    },
    async (request) => {
      const { id: accountId, name: account } = identityOf(request).account;
      const gateway = parseGatewayUrl(context.discovery().publicUrl);
      const isProof: Parameters<typeof store.pendingKeys.prove>[2] = ({ fingerprint, nonce, ...key }) => {
        const text = keyProofText({ gateway, account, fingerprint, nonce });
        return isSignedBy(key, KEY_PROOF_NAMESPACE, Buffer.from(text), request.body.signature);
      };
      return store.pendingKeys.prove(accountId, parseKeyId(request.params.id), isProof, actorOf(request));
    },
  );

  api.get(
    "/keys/pending",
    {
      onRequest,
      schema: described("keys", "listPendingKeys", "List the account's keys that wait to be proved.", {
        200: Type.Array(PendingKey),
      }),
    },
    async (request) => store.pendingKeys.list(identityOf(request).account.id),
  );

  api.get(
    "/keys",
    {
      onRequest,
      schema: described("keys", "listKeys", "List the account's SSH public keys.", { 200: Type.Array(Key) }),
    },
    async (request) => store.keys.list(identityOf(request).account.id),
  );

  api.delete(
    "/keys/:id",
    {
      onRequest,
      schema: {
        ...described("keys", "removeKey", "Remove an SSH public key. Hosts learn of it at once.", REVOKED),
        params: KeyParams,
      },
    },
    async (request, reply) => {
      const id = parseKeyId(request.params.id);
      const { account } = identityOf(request);
      const isProved = (await store.keys.list(account.id)).some((key) => key.id === id);
      return answerRevoked(
        reply,
        await (isProved ? store.keys : store.pendingKeys).remove(account.id, id, actorOf(request)),
      );
    },
  );
}
