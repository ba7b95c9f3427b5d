// The gateway's HTTP API: a Fastify application with all routes, their errors, the request log and the
// OpenAPI document. Links and tunnels use the same server, but nothing here knows of them.

import swagger from "@fastify/swagger";
import { type TypeBoxTypeProvider, TypeBoxValidatorCompiler } from "@fastify/type-provider-typebox";
import Fastify from "fastify";
import { NOTHING_AT_PATH, ProtocolError } from "../../protocol/errors.ts";
import { MAX_BODY_BYTES } from "../../protocol/limits.ts";
import { PATHS } from "../../protocol/values/gateway-url.ts";
import { sessionRoutes } from "../identity/browser-session/session-routes.ts";
import { invitationRoutes } from "../identity/invitations/invitation-routes.ts";
import { linkRoutes } from "../identity/invitations/link-routes.ts";
import { consentRoutes } from "../identity/oauth/consent-routes.ts";
import { oauthRoutes } from "../identity/oauth/oauth-routes.ts";
import { passkeyRoutes } from "../identity/passkeys/passkey-routes.ts";
import { identityRoutes } from "../identity/providers/identity-routes.ts";
import { logoutRoute } from "../identity/providers/logout-route.ts";
import { nameRoutes } from "../identity/providers/sign-in/name-routes.ts";
import { providerSignInRoutes } from "../identity/providers/sign-in/sign-in-routes.ts";
import { SCIM_PATH, scimRoutes } from "../identity/scim/scim-routes.ts";
import { type Dashboard, serveDashboard } from "../web/web.ts";
import { auditRoutes } from "./admin/audit-routes.ts";
import { gatewayRoutes } from "./admin/gateway-routes.ts";
import { peopleRoutes } from "./admin/people-routes.ts";
import type { Api, ApiContext } from "./context.ts";
import { sendError } from "./error-response.ts";
import { openApiOptions } from "./openapi.ts";
import { oneAtATime } from "./pipelining.ts";
import { accountRoutes } from "./routes/account-routes.ts";
import { connectionRoutes } from "./routes/connection-routes.ts";
import { downloadRoutes } from "./routes/download-routes.ts";
import { freezeRoutes } from "./routes/freeze-routes.ts";
import { keyImportRoutes } from "./routes/key-import-routes.ts";
import { keyRoutes } from "./routes/key-routes.ts";
import { ownerTokenRoutes } from "./routes/owner-token-routes.ts";
import { publicRoutes } from "./routes/public-routes.ts";
import { shareRoutes } from "./routes/share-routes.ts";
import { tokenRoutes } from "./routes/token-routes.ts";
import { workspaceRoutes } from "./routes/workspace-routes.ts";

/** The application, ready to listen. */
export async function createApi(context: ApiContext): Promise<Api> {
  const { log } = context;
  const api: Api = Fastify({
    serverFactory: (handler) => context.server.on("request", oneAtATime(handler)),
    // Requests are logged below, by route pattern. Fastify's own lines would contain URLs.
    logger: false,
    bodyLimit: MAX_BODY_BYTES,
    exposeHeadRoutes: false,
    // While the server closes, requests get our own 503, which has a code.
    return503OnClosing: false,
    routerOptions: { maxParamLength: 120 },
    frameworkErrors: (error, request, reply) => {
      request.clientAddress = context.clientAddress(request.raw);
      void sendError(error, request, reply, log);
    },
  }).withTypeProvider<TypeBoxTypeProvider>();

  api.removeContentTypeParser("text/plain");
  api.setValidatorCompiler(TypeBoxValidatorCompiler);
  api.setErrorHandler((error: Error, request, reply) => sendError(error, request, reply, log));
  let dashboard: Dashboard | undefined;
  api.setNotFoundHandler(async (request, reply) => {
    if (await dashboard?.notFound(request, reply)) return reply;
    return sendError(new ProtocolError("not_found", NOTHING_AT_PATH), request, reply, log);
  });
  api.decorateRequest("identity", null);
  api.decorateRequest("clientAddress", "");
  api.decorateRequest("refusedWith", null);
  watchRequests(api, context);

  await api.register(swagger, openApiOptions());
  publicRoutes(api, context);
  downloadRoutes(api, context);
  if (context.dashboard) dashboard = serveDashboard(api, context.publicUrl);
  await oauthRoutes(api, context);
  await api.register(logoutRoute(context));
  providerSignInRoutes(api, context);
  await api.register(
    (instance: Api, _options: object, done: () => void) => {
      instance.addHook("onRequest", async () => {
        if (!context.isShuttingDown()) return;
        throw new ProtocolError("shutting_down", "The gateway is about to stop; try again in a moment.");
      });
      accountRoutes(instance, context);
      peopleRoutes(instance, context);
      auditRoutes(instance, context);
      gatewayRoutes(instance, context);
      tokenRoutes(instance, context);
      keyRoutes(instance, context);
      keyImportRoutes(instance, context);
      workspaceRoutes(instance, context);
      shareRoutes(instance, context);
      freezeRoutes(instance, context);
      connectionRoutes(instance, context);
      ownerTokenRoutes(instance, context);
      sessionRoutes(instance, context);
      consentRoutes(instance, context);
      passkeyRoutes(instance, context);
      invitationRoutes(instance, context);
      linkRoutes(instance, context);
      nameRoutes(instance, context);
      identityRoutes(instance, context);
      done();
    },
    { prefix: PATHS.api },
  );
  await api.register(
    (instance: Api, _options: object, done: () => void) => {
      scimRoutes(instance, context);
      done();
    },
    { prefix: SCIM_PATH },
  );
  await api.ready();
  return api;
}

/** Logs one line per request, by route pattern, since URLs may contain ids that are secrets. */
function watchRequests(api: Api, { log, metrics, clientAddress, isShuttingDown }: ApiContext): void {
  api.addHook("onRequest", async (request, reply) => {
    request.clientAddress = clientAddress(request.raw);
    reply.header("x-content-type-options", "nosniff").header("cache-control", "no-store");
    if (isShuttingDown()) reply.header("connection", "close");
  });
  api.addHook("onResponse", async (request, reply) => {
    const route = request.routeOptions.url ?? "none";
    const ms = Math.round(reply.elapsedTime);
    const line = {
      method: request.method,
      route,
      status: reply.statusCode,
      ms,
      address: request.clientAddress,
      ...(request.identity === null ? {} : { account: request.identity.account.name }),
      ...(request.refusedWith === null ? {} : { code: request.refusedWith }),
    };
    const quiet = request.method === "GET" && reply.statusCode < 400;
    log[quiet ? "debug" : "info"](line, "request");
    metrics.apiRequest(request.method, route, reply.statusCode, ms / 1000);
    if (request.refusedWith !== null) metrics.refused(request.refusedWith);
  });
}
