// The authorization request: what a browser gets to see, and which answers count.

import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { authorize, newState, readAnswer } from "../../../../../agent/client/sign-in/authorization.ts";
import { parseGatewayUrl } from "../../../../../protocol/values/gateway-url.ts";
import { TOKEN_PATTERN } from "../../../../../protocol/values/token.ts";

const gateway = parseGatewayUrl("https://gw.example/sallyport");
const wish = {
  gateway,
  client: "sallyport-cli",
  redirectUri: "http://127.0.0.1:4711/signed-in",
  scopes: ["connect", "host"],
  device: "sallyport 0.1.0 on Ada's laptop & more",
} as const;

test("the URL asks for a code with PKCE, and holds neither the verifier nor a token", () => {
  const state = newState();
  const { url, formWith } = authorize({ ...wish, state });
  const { code_verifier, ...form } = formWith("the-code");
  const { origin, pathname, searchParams } = new URL(url);
  expect(`${origin}${pathname}`).toBe("https://gw.example/sallyport/oauth/authorize");
  expect(Object.fromEntries(searchParams)).toEqual({
    response_type: "code",
    client_id: "sallyport-cli",
    redirect_uri: wish.redirectUri,
    scope: "connect host",
    state,
    code_challenge: createHash("sha256").update(String(code_verifier)).digest("base64url"),
    code_challenge_method: "S256",
    device: wish.device,
  });
  expect(url).not.toContain(String(code_verifier));
  expect(url).not.toMatch(TOKEN_PATTERN);
  expect(form).toEqual({
    grant_type: "authorization_code",
    client_id: "sallyport-cli",
    code: "the-code",
    redirect_uri: wish.redirectUri,
  });
});

test("each request has a verifier and a state of its own, long enough that nobody guesses them", () => {
  const state = newState();
  expect(state).toMatch(/^[\w-]{43}$/);
  expect(newState()).not.toBe(state);
  const verifier = () => authorize({ ...wish, state }).formWith("x").code_verifier;
  expect(verifier()).toMatch(/^[\w-]{43}$/);
  expect(verifier()).not.toBe(verifier());
});

const state = newState();
const read = (query: string) => readAnswer(new URLSearchParams(query), { state, gateway });
const iss = encodeURIComponent(gateway);

test("the code counts with the right state and issuer", () => {
  expect(read(`code=c&state=${state}&iss=${iss}`)).toEqual({ kind: "code", code: "c" });
});

test.each([
  ["without a state", `code=c&iss=${iss}`],
  ["with an empty state", `code=c&state=&iss=${iss}`],
  ["with a state that begins like it", `code=c&state=${state.slice(0, -1)}&iss=${iss}`],
  ["with two states", `code=c&state=${state}&state=x&iss=${iss}`],
])("an answer %s is not one to this request", (_what, query) => {
  expect(read(query)).toBeUndefined();
});

test.each([
  ["without an issuer", `code=c&state=${state}`, "wrong_issuer"],
  ["of the gateway at a different path", `code=c&state=${state}&iss=https://gw.example`, "wrong_issuer"],
  ["of a different host", `code=c&state=${state}&iss=https://evil.example/sallyport`, "wrong_issuer"],
  ["with two issuers", `code=c&state=${state}&iss=${iss}&iss=${iss}`, "wrong_issuer"],
  ["without a code", `state=${state}&iss=${iss}`, "sign_in_failed"],
  ["with two codes", `code=a&code=b&state=${state}&iss=${iss}`, "sign_in_failed"],
  ["with a code and an error", `code=a&error=access_denied&state=${state}&iss=${iss}`, "sign_in_denied"],
  ["that declines", `error=access_denied&state=${state}&iss=${iss}`, "sign_in_denied"],
])("an answer %s ends the sign-in", (_what, query, code) => {
  expect(read(query)).toMatchObject({ kind: "refused", error: { code } });
});

test("what the other side says is made harmless for a terminal", () => {
  const answer = read(`error=server_error&error_description=%1b%5b2Jgone&state=${state}&iss=${iss}`);
  if (answer?.kind !== "refused") throw new Error("it was taken");
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what must not be there
  expect(answer.error.message).not.toMatch(/[\u0000-\u001f]/);
});
