// /keys: the account's SSH public keys.

import { Type } from "typebox";
import { CreateKey, Key } from "../../protocol/api.ts";
import { parseKeyId } from "../../protocol/id.ts";
import { parsePublicKey } from "../../protocol/ssh-public-key.ts";
import type { Api, ApiContext } from "./api.ts";
import { described, Nothing } from "./openapi.ts";
import { actorOf, identityOf, signedIn } from "./sign-in.ts";

export function keyRoutes(api: Api, context: ApiContext): void {
  const { store } = context;
  const onRequest = signedIn(context, "account");

  api.post(
    "/keys",
    {
      onRequest,
      schema: {
        ...described("keys", "addKey", "Add an SSH public key.", { 201: Key }),
        body: CreateKey,
      },
    },
    async (request, reply) => {
      const key = parsePublicKey(request.body.publicKey);
      const title = (request.body.title ?? key.comment).slice(0, 100);
      const added = await store.keys.add(identityOf(request).account.id, key, title, actorOf(request));
      return reply.code(201).send(added);
    },
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
        ...described("keys", "removeKey", "Remove an SSH public key; hosts hear of it at once.", {
          204: Nothing,
        }),
        params: Type.Object({ id: Type.String() }),
      },
    },
    async (request, reply) => {
      const id = parseKeyId(request.params.id);
      await store.keys.remove(identityOf(request).account.id, id, actorOf(request));
      return reply.code(204).send(null);
    },
  );
}
