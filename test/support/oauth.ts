// A browser session and a client of the gateway's authorization server, by fetch: what the pages and the programs do.

import { createHash, randomBytes } from "node:crypto";
import { expect } from "vitest";
import { GRANT, OAUTH_PATHS } from "../../protocol/sign-in/oauth.ts";
import type { Answer, TestGateway } from "./test-gateway.ts";

export const OWN_PAGE = { "sec-fetch-site": "same-origin" };
export const REDIRECT = "http://127.0.0.1:54321/signed-in";
export const CLI = "sallyport-cli";

export interface Browser {
  readonly cookie: string;
  readonly id: string;
  /** A call below /api/v1 as a page of the gateway makes it. */
  readonly post: (path: string, body: unknown, headers?: Readonly<Record<string, string>>) => Promise<Answer>;
}

type Gateway = Pick<TestGateway, "raw">;

/** A gateway that was started otherwise. Each request has a connection of its own, so that any worker may take it. */
export function gatewayAt(url: string): Gateway {
  return {
    raw: async (method, path, token, init = {}) => {
      const response = await fetch(`${url}${path}`, {
        ...init,
        method,
        headers: {
          connection: "close",
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
          ...Object.fromEntries(new Headers(init.headers)),
        },
      });
      const text = await response.text();
      return {
        status: response.status,
        headers: response.headers,
        body: text === "" ? null : JSON.parse(text),
      };
    },
  };
}

/** Signs a browser in by an access token. */
export async function signBrowserIn(gateway: Gateway, token: string): Promise<Browser> {
  const post = (path: string, body: unknown, headers: Readonly<Record<string, string>> = {}) =>
    gateway.raw("POST", `/api/v1${path}`, undefined, {
      body: JSON.stringify(body),
      headers: { "content-type": "application/json", ...OWN_PAGE, ...headers },
    });
  const entered = await post("/session/token", { token });
  expect(entered.status).toBe(200);
  const cookie = entered.headers.get("set-cookie")?.split(";")[0] ?? "";
  return {
    cookie,
    id: entered.body.signInId,
    post: (path, body, headers = {}) => post(path, body, { cookie, ...headers }),
  };
}

export function newVerifier(): { readonly verifier: string; readonly challenge: string } {
  const verifier = randomBytes(32).toString("base64url");
  return { verifier, challenge: createHash("sha256").update(verifier).digest("base64url") };
}

/** The query of an authorization request that is as it should be, but for `changes`. */
export function authorizationQuery(
  challenge: string,
  changes: Readonly<Record<string, string | undefined>> = {},
): string {
  const query = new URLSearchParams();
  const parameters = {
    client_id: CLI,
    redirect_uri: REDIRECT,
    response_type: "code",
    code_challenge: challenge,
    code_challenge_method: "S256",
    state: "a state",
    scope: "connect account",
    device: "sallyport on laptop",
    ...changes,
  };
  for (const [name, value] of Object.entries(parameters)) if (value !== undefined) query.set(name, value);
  return query.toString();
}

export async function postForm(
  gateway: Gateway,
  path: string,
  form: Readonly<Record<string, string>> | string,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  return await gateway.raw("POST", path, undefined, {
    body: typeof form === "string" ? form : new URLSearchParams(form).toString(),
    headers: { "content-type": "application/x-www-form-urlencoded", ...headers },
  });
}

export function askForTokens(gateway: Gateway, form: Readonly<Record<string, string>>): Promise<Answer> {
  return postForm(gateway, OAUTH_PATHS.token, { client_id: CLI, ...form });
}

export function renew(gateway: Gateway, refreshToken: string, client = CLI): Promise<Answer> {
  return askForTokens(gateway, { grant_type: GRANT.refresh, refresh_token: refreshToken, client_id: client });
}

/** What came to the redirect URI after the person allowed it. */
export async function allow(
  browser: Browser,
  query: string,
  more: Readonly<Record<string, unknown>> = {},
): Promise<URL> {
  const decided = await browser.post("/authorizations", { query, allow: true, ...more });
  expect([decided.status, decided.body.message]).toEqual([200, undefined]);
  return new URL(decided.body.redirect);
}

/** A code that can be swapped, and the form that does it. */
export async function allowedCode(browser: Browser, changes: Readonly<Record<string, string>> = {}) {
  const { verifier, challenge } = newVerifier();
  const answer = await allow(browser, authorizationQuery(challenge, changes));
  const code = answer.searchParams.get("code") ?? "";
  return {
    code,
    form: {
      grant_type: GRANT.code,
      client_id: changes.client_id ?? CLI,
      code,
      redirect_uri: changes.redirect_uri ?? REDIRECT,
      code_verifier: verifier,
    },
  };
}

/** Signs a client in. Returns the answer of the token endpoint. */
export async function signClientIn(
  gateway: Gateway,
  browser: Browser,
  changes: Readonly<Record<string, string>> = {},
) {
  const { form } = await allowedCode(browser, changes);
  const answer = await askForTokens(gateway, form);
  expect([answer.status, answer.body]).toMatchObject([200, { token_type: "Bearer" }]);
  return answer.body as {
    readonly access_token: string;
    readonly refresh_token: string;
    readonly scope: string;
    readonly sign_in: string;
  };
}

/** Asks for a device code. */
export function askForDeviceCode(
  gateway: Gateway,
  form: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  return postForm(gateway, OAUTH_PATHS.device, {
    client_id: CLI,
    scope: "connect account",
    device: "sallyport on server",
    ...form,
  });
}

export function poll(gateway: Gateway, deviceCode: string, client = CLI): Promise<Answer> {
  return askForTokens(gateway, { grant_type: GRANT.device, device_code: deviceCode, client_id: client });
}
