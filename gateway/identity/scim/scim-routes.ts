// /scim/v2: an identity provider makes, disables and enables accounts (SCIM 2.0, RFC 7643 and RFC 7644, the part that Okta,
// Entra and others use). It never deletes an account, sees only those that it made, and never touches an administrator.

import type { FastifyReply, FastifyRequest } from "fastify";
import { Type } from "typebox";
import { NOTHING_AT_PATH, ProtocolError } from "../../../protocol/errors.ts";
import { ID_PATTERN, parseAccountId } from "../../../protocol/values/id.ts";
import { bearerToken } from "../../../protocol/values/token.ts";
import type { Api, ApiContext } from "../../http/context.ts";
import { asRefusal } from "../../http/error-response.ts";
import { actorOf, checkedToken, requireScope } from "../../http/sign-in.ts";
import { RateLimited } from "../../http/sign-in-throttle.ts";
import { type ScimUser, userKey } from "../../store/sign-ins/scim-users.ts";
import {
  listResponse,
  MAX_PAGE,
  serviceProviderConfig,
  userResourceType,
  userSchema,
} from "./descriptions.ts";
import { parseFilter } from "./filter.ts";
import { patchedAttributes } from "./patch.ts";
import { SCIM_TYPE, ScimError, sendScimError } from "./scim-error.ts";
import { USER_SCHEMA, type UserAttributes, UserBody, userAttributes, userResource } from "./user-resource.ts";

export const SCIM_PATH = "/scim/v2";

const DEFAULT_PAGE = 100;
const ById = Type.Object({ id: Type.String({ maxLength: 100 }) });
const ListQuery = Type.Object({
  filter: Type.Optional(Type.String({ maxLength: 1_000 })),
  startIndex: Type.Optional(Type.String({ pattern: "^-?[0-9]{1,9}$" })),
  count: Type.Optional(Type.String({ pattern: "^-?[0-9]{1,9}$" })),
});

const HIDDEN = { hide: true } as const;

export function scimRoutes(api: Api, context: ApiContext): void {
  const { store, log } = context;
  const base = (): string => `${context.publicUrl()}${SCIM_PATH}`;
  const send = (reply: FastifyReply, body: object, status = 200): FastifyReply =>
    reply.code(status).type(SCIM_TYPE).serializer(JSON.stringify).send(body);

  api.addContentTypeParser(
    "application/scim+json",
    { parseAs: "string" },
    api.getDefaultJsonParser("error", "error"),
  );
  api.setErrorHandler((error: Error, request, reply) => {
    const refusal = asRefusal(error);
    if (refusal.code === "internal")
      log.error({ err: error, method: request.method }, "A SCIM request failed.");
    if (refusal.status === 401) reply.header("www-authenticate", 'Bearer realm="sallyport"');
    if (refusal instanceof RateLimited) reply.header("retry-after", String(refusal.retryAfterSeconds));
    request.refusedWith = refusal.code;
    return sendScimError(refusal, reply);
  });
  api.setNotFoundHandler((request, reply) => {
    request.refusedWith = "not_found";
    return sendScimError(new ProtocolError("not_found", NOTHING_AT_PATH), reply);
  });
  api.addHook("onRequest", async (request) => {
    if (context.isShuttingDown()) {
      throw new ProtocolError("shutting_down", "The gateway is about to stop; try again in a moment.");
    }
    await authenticate(context, request);
  });

  api.get("/ServiceProviderConfig", { schema: HIDDEN }, async (_request, reply) =>
    send(reply, serviceProviderConfig(base())),
  );
  api.get("/ResourceTypes", { schema: HIDDEN }, async (_request, reply) =>
    send(reply, listResponse([userResourceType(base())], 1)),
  );
  api.get("/ResourceTypes/User", { schema: HIDDEN }, async (_request, reply) =>
    send(reply, userResourceType(base())),
  );
  api.get("/Schemas", { schema: HIDDEN }, async (_request, reply) =>
    send(reply, listResponse([userSchema(base())], 1)),
  );
  api.get(`/Schemas/${USER_SCHEMA.replaceAll(":", "::")}`, { schema: HIDDEN }, async (_request, reply) =>
    send(reply, userSchema(base())),
  );

  api.get("/Users", { schema: { ...HIDDEN, querystring: ListQuery } }, async (request, reply) => {
    const { filter, startIndex, count } = request.query;
    const first = Math.max(1, Number(startIndex ?? 1));
    const limit = Math.min(MAX_PAGE, Math.max(0, Number(count ?? DEFAULT_PAGE)));
    const page = { offset: first - 1, limit };
    const { users, total } = await store.scimUsers.list(parseFilter(filter), page);
    return send(
      reply,
      listResponse(
        users.map((user) => userResource(user, base())),
        total,
        first,
      ),
    );
  });

  api.post("/Users", { schema: { ...HIDDEN, body: UserBody } }, async (request, reply) => {
    const { userName, externalId = null, display, active = true } = userAttributes(request.body);
    if (userName === undefined) throw new ScimError("invalidValue", "A user needs a userName.");
    const user = await store.scimUsers.create(
      { userName, externalId, display: display ?? userName, active },
      actorOf(request),
    );
    const body = userResource(user, base());
    reply.header("location", body.meta.location);
    return send(reply, body, 201);
  });

  api.get("/Users/:id", { schema: { ...HIDDEN, params: ById } }, async (request, reply) =>
    send(reply, userResource(await findUser(context, request.params.id), base())),
  );
  api.put("/Users/:id", { schema: { ...HIDDEN, params: ById, body: UserBody } }, async (request, reply) => {
    const user = await findUser(context, request.params.id);
    return send(
      reply,
      userResource(await change(context, request, user, userAttributes(request.body)), base()),
    );
  });
  api.patch("/Users/:id", { schema: { ...HIDDEN, params: ById, body: UserBody } }, async (request, reply) => {
    const user = await findUser(context, request.params.id);
    return send(
      reply,
      userResource(await change(context, request, user, patchedAttributes(request.body)), base()),
    );
  });
  api.delete("/Users/:id", { schema: { ...HIDDEN, params: ById } }, async (request, reply) => {
    await change(context, request, await findUser(context, request.params.id), { active: false });
    return reply.code(204).send(null);
  });
}

/** By an access token only: cookies do not count, nor the tokens of signed-in programs. */
async function authenticate(context: ApiContext, request: FastifyRequest): Promise<void> {
  const { authorization } = request.headers;
  if (authorization === undefined) {
    throw new ProtocolError(
      "unauthenticated",
      "Send an access token with the scope scim: Authorization: Bearer spt_….",
    );
  }
  const identity = await checkedToken(context, request, bearerToken(authorization));
  requireScope(identity, "scim");
  request.identity = identity;
}

/** @throws ProtocolError not_found, also for an account that SCIM did not make */
async function findUser({ store }: ApiContext, id: string): Promise<ScimUser> {
  const user = isAccountId(id) ? await store.scimUsers.get(parseAccountId(id)) : undefined;
  if (user === undefined) throw new ProtocolError("not_found", "There is no such user.");
  return user;
}

/** @throws ProtocolError forbidden: it is an administrator; name_taken; ScimError mutability: the userName would change */
async function change(
  context: ApiContext,
  request: FastifyRequest,
  user: ScimUser,
  { userName, externalId, display, active }: UserAttributes,
): Promise<ScimUser> {
  const { scimUsers } = context.store;
  if (user.admin) {
    throw new ProtocolError("forbidden", "The account of an administrator is never changed by SCIM.");
  }
  if (userName !== undefined && userKey(userName) !== userKey(user.user_name)) {
    throw new ScimError("mutability", "The userName of a user never changes.");
  }
  if (active !== undefined) await scimUsers.setActive(user.account_id, active, actorOf(request));
  const changes = {
    ...(externalId === undefined || externalId === user.external_id ? {} : { externalId }),
    ...(display === undefined || display === user.display ? {} : { display }),
  };
  if (Object.keys(changes).length > 0) await scimUsers.update(user.account_id, changes);
  return await findUser(context, user.account_id);
}

function isAccountId(id: string): boolean {
  return new RegExp(ID_PATTERN.account).test(id);
}
