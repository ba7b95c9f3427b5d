// The two places that a browser navigates to on its way to a provider and back. Whatever happens, it ends at a page of the dashboard.

import type { FastifyReply, FastifyRequest } from "fastify";
import { Type } from "typebox";
import { ProtocolError } from "../../../../protocol/errors.ts";
import { PAGES } from "../../../../protocol/sign-in/pages.ts";
import { type ProviderPurpose, StartQuery } from "../../../../protocol/sign-in/provider-api.ts";
import { safeReturnPath } from "../../../../protocol/sign-in/return-path.ts";
import { Keyword } from "../../../../protocol/values/fields.ts";
import { parseTokenId } from "../../../../protocol/values/id.ts";
import type { Identity } from "../../../directory.ts";
import type { Api, ApiContext } from "../../../http/context.ts";
import { asRefusal } from "../../../http/error-response.ts";
import { requireScope } from "../../../http/sign-in.ts";
import {
  keepsCookies,
  requireAsMuch,
  requireFresh,
  sessionOf,
} from "../../browser-session/browser-session.ts";
import type { Provider } from "../provider.ts";
import { type Attempt, keepAttempt, newState, takeAttempt } from "./attempts.ts";
import { enter } from "./enter.ts";
import { saveTest } from "./provider-test.ts";

const ByProvider = Type.Object({ provider: Keyword });
/** Exchanges with one provider at a time: strangers can cause them. */
const MAX_EXCHANGES = 20;
const MAX_QUERY = 8_000;

export function providerSignInRoutes(api: Api, context: ApiContext): void {
  const exchanges = new Map<string, number>();

  api.get(
    "/sign-in/start/:provider",
    { schema: { hide: true, params: ByProvider, querystring: StartQuery } },
    async (request, reply) => {
      const { purpose = "sign-in" } = request.query;
      const asked: Asked = {
        provider: request.params.provider,
        purpose,
        back: safeReturnPath(request.query.return),
      };
      return await answered(context, request, reply, asked, async () => {
        const provider = providerOf(context, asked.provider);
        requireNavigation(request);
        const session = await sessionFor(context, request, purpose);
        const state = newState();
        const started = await provider.start(redirectUri(context, provider), state, purpose === "again");
        keepAttempt(context.sealer, request, reply, {
          provider: provider.settings.id,
          state,
          purpose,
          back: asked.back,
          kept: started.kept,
          session: session?.tokenId ?? null,
        });
        return started.url;
      });
    },
  );

  api.get(
    "/sign-in/callback/:provider",
    { schema: { hide: true, params: ByProvider } },
    async (request, reply) => {
      const query = new URLSearchParams(rawQuery(request));
      const id = request.params.provider;
      const states = query.getAll("state");
      const attempt =
        states.length === 1 ? takeAttempt(context.sealer, request, reply, id, states[0] ?? "") : undefined;
      const asked: Asked = {
        provider: id,
        purpose: attempt?.purpose ?? "sign-in",
        back: attempt?.back ?? "/",
      };
      return await answered(context, request, reply, asked, async () => {
        const provider = providerOf(context, id);
        if (attempt === undefined) {
          throw new ProtocolError(
            "sign_in_refused",
            "This sign-in was not started in this browser, or took too long: try again.",
          );
        }
        const returned = new URL(redirectUri(context, provider));
        returned.search = String(query);
        const proved = await limited(exchanges, provider, () =>
          testable(context, provider, attempt, () => provider.finish(returned, attempt.state, attempt.kept)),
        );
        if (proved === undefined) return asked.back;
        return await enter({ context, request, reply, provider, attempt, proved });
      });
    },
  );
}

interface Asked {
  readonly provider: string;
  readonly purpose: ProviderPurpose;
  readonly back: string;
}

/** Sends the browser on: to where `act` says or, if it throws, to a page that has the error's code. */
async function answered(
  context: ApiContext,
  request: FastifyRequest,
  reply: FastifyReply,
  { provider, purpose, back }: Asked,
  act: () => Promise<string>,
): Promise<FastifyReply> {
  let location: string;
  try {
    if (!keepsCookies(context)) {
      throw new ProtocolError("forbidden", "Browsers sign in over https only.");
    }
    location = await act();
  } catch (error) {
    const refusal = asRefusal(error instanceof Error ? error : new Error(String(error)));
    if (refusal.code === "internal") context.log.error({ err: error }, "A sign-in failed.");
    request.refusedWith = refusal.code;
    context.store.audit({
      event: "sign-in.refused",
      address: request.clientAddress,
      code: refusal.code,
      detail: `by ${provider}: ${refusal.message}`.slice(0, 300),
    });
    const failure = { error: refusal.code, provider };
    const own = purpose === "link" || purpose === "test";
    location = own
      ? `${back}${back.includes("?") ? "&" : "?"}${new URLSearchParams(failure)}`
      : `${PAGES.signIn}?${new URLSearchParams({ ...failure, return: back })}`;
  }
  // Our own pages may be below a path of the public URL.
  if (location.startsWith("/"))
    location = `${new URL(context.publicUrl()).pathname.replace(/\/$/, "")}${location}`;
  // The empty fragment is there so that the browser does not carry one over from where it came from.
  return reply
    .header("referrer-policy", "no-referrer")
    .redirect(location.includes("#") ? location : `${location}#`, 302);
}

/** The session that asks. A sign-in needs none. @throws ProtocolError unauthenticated, forbidden, reauthentication_required, scope_missing */
async function sessionFor(
  context: ApiContext,
  request: FastifyRequest,
  purpose: ProviderPurpose,
): Promise<Identity | undefined> {
  if (purpose === "sign-in") return undefined;
  // Somebody else's page could make a browser link its owner's account with an identity that the page chooses, or its owner's
  // identity with the account of whoever sent them an invitation.
  if (request.headers["sec-fetch-site"] !== "same-origin") {
    throw new ProtocolError("forbidden", "This request does not come from a page of this gateway.");
  }
  if (purpose === "invitation") return undefined;
  const session = await sessionOf(context, request);
  if (session === undefined) throw new ProtocolError("unauthenticated", "Sign in first.");
  if (purpose === "again") return session;
  if (purpose === "test") requireScope(session, "admin");
  else requireAsMuch(session);
  requireFresh(session);
  return session;
}

/** Images, frames and scripts of other pages start nothing. @throws ProtocolError forbidden */
function requireNavigation({ headers }: FastifyRequest): void {
  const mode = headers["sec-fetch-mode"];
  const target = headers["sec-fetch-dest"];
  if ((mode ?? "navigate") === "navigate" && (target ?? "document") === "document") return;
  throw new ProtocolError("forbidden", "Open this address in a browser.");
}

/** For a test, a failure is a result too. @returns undefined: it is saved */
async function testable<T>(
  context: ApiContext,
  provider: Provider,
  { purpose, session }: Attempt,
  finish: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await finish();
  } catch (error) {
    if (purpose !== "test" || session === null || !(error instanceof ProtocolError)) throw error;
    await saveTest(context.store, parseTokenId(session), provider, { error });
    return undefined;
  }
}

/** @throws ProtocolError provider_unavailable */
async function limited<T>(
  exchanges: Map<string, number>,
  { settings: { id, label } }: Provider,
  exchange: () => Promise<T>,
): Promise<T> {
  const count = exchanges.get(id) ?? 0;
  if (count >= MAX_EXCHANGES) {
    throw new ProtocolError(
      "provider_unavailable",
      `Too many people sign in by ${label} at the moment: try again.`,
    );
  }
  exchanges.set(id, count + 1);
  try {
    return await exchange();
  } finally {
    exchanges.set(id, (exchanges.get(id) ?? 1) - 1);
  }
}

function providerOf(context: ApiContext, id: string): Provider {
  const provider = context.providers.get(id);
  if (provider === undefined) throw new ProtocolError("not_found", "There is no such identity provider.");
  return provider;
}

export function redirectUri(context: ApiContext, { settings }: Provider): string {
  return `${context.publicUrl()}/sign-in/callback/${settings.id}`;
}

/** As it came: the library checks that no parameter is there twice. */
function rawQuery({ raw }: FastifyRequest): string {
  const url = raw.url ?? "";
  const at = url.indexOf("?");
  return at === -1 || url.length - at > MAX_QUERY ? "" : url.slice(at + 1);
}
