// Authorization requests: what is taken, what goes back to the client as an error, and what only the person is told.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  readAuthorizationRequest,
  readDevice,
  readScopes,
} from "../../../../../gateway/identity/oauth/authorization-request.ts";
import { ProtocolError } from "../../../../../protocol/errors.ts";
import { OAUTH_SCOPES } from "../../../../../protocol/sign-in/oauth.ts";
import { authorizationQuery, newVerifier, REDIRECT } from "../../../../support/oauth.ts";

const ISSUER = "https://gateway.example";
const { challenge } = newVerifier();
const query = (changes: Readonly<Record<string, string | undefined>> = {}) =>
  authorizationQuery(challenge, changes);

function read(text: string) {
  return readAuthorizationRequest(text, ISSUER);
}

function errorOf(text: string): URLSearchParams {
  const found = read(text);
  if (found.kind !== "faulty") throw new Error(`it was taken: ${text}`);
  expect(found.redirect.startsWith(`${REDIRECT}?`)).toBe(true);
  const { searchParams } = new URL(found.redirect);
  expect(searchParams.get("iss")).toBe(ISSUER);
  expect(searchParams.get("code")).toBeNull();
  return searchParams;
}

test("A good request is read", () => {
  expect(read(query())).toEqual({
    kind: "request",
    client: "sallyport-cli",
    redirectUri: REDIRECT,
    redirectTo: "127.0.0.1",
    challenge,
    state: "a state",
    scopes: ["connect", "account"],
    device: "sallyport on laptop",
  });
  expect(
    read(query({ scope: undefined, device: undefined, unknown: "ignored", response_mode: "query" })),
  ).toMatchObject({ scopes: ["connect", "account"], device: "an unnamed device" });
});

describe("only the person is told", () => {
  test.each([
    ["no client", query({ client_id: undefined })],
    ["an unknown client", query({ client_id: "evil" })],
    ["a client in the wrong case", query({ client_id: "Sallyport-cli" })],
    ["a client that is there twice", `${query()}&client_id=sallyport-cli`],
    ["a client that is there a second time, empty", `${query()}&client_id=`],
    ["no redirect URI", query({ redirect_uri: undefined })],
    ["an unknown redirect URI", query({ redirect_uri: "https://evil.example/signed-in" })],
    [
      "a redirect URI of a different client",
      query({ redirect_uri: "vscode://sallyport.sallyport/signed-in" }),
    ],
    ["a redirect URI that is there twice", `${query()}&redirect_uri=https%3A%2F%2Fevil.example`],
    ["the same redirect URI twice", `${query()}&redirect_uri=${encodeURIComponent(REDIRECT)}`],
    ["a redirect URI whose name is encoded, twice", `${query()}&redirect%5furi=https%3A%2F%2Fevil.example`],
    ["a redirect URI that is encoded twice", query({ redirect_uri: encodeURIComponent(REDIRECT) })],
    ["bytes that are no UTF-8", `${query()}&x=%ff`],
    ["a broken escape", `${query()}&x=%4`],
    ["a fragment", `${query()}#x`],
    ["too many parameters", `${query()}${"&x=1".repeat(40)}`],
    ["a semicolon as separator hides nothing", "client_id=sallyport-cli;redirect_uri=x"],
    ["nothing", ""],
  ])("of %s", (_what, text) => {
    expect(() => read(text)).toThrow(expect.objectContaining({ name: "ProtocolError", code: "bad_request" }));
  });
});

describe("the client is told", () => {
  test.each([
    ["response_type is missing", { response_type: undefined }, "invalid_request"],
    ["the implicit grant", { response_type: "token" }, "unsupported_response_type"],
    ["a hybrid", { response_type: "code token" }, "unsupported_response_type"],
    ["no PKCE", { code_challenge: undefined, code_challenge_method: undefined }, "invalid_request"],
    ["PKCE without a method, which means plain", { code_challenge_method: undefined }, "invalid_request"],
    ["plain PKCE", { code_challenge_method: "plain" }, "invalid_request"],
    ["PKCE in the wrong case", { code_challenge_method: "s256" }, "invalid_request"],
    ["a short challenge", { code_challenge: challenge.slice(1) }, "invalid_request"],
    ["a challenge in plain base64", { code_challenge: `${challenge.slice(1)}+` }, "invalid_request"],
    ["a padded challenge", { code_challenge: `${challenge}=` }, "invalid_request"],
    ["the scope admin", { scope: "connect admin" }, "invalid_scope"],
    ["an unknown scope", { scope: "openid" }, "invalid_scope"],
    ["two blanks between scopes", { scope: "connect  account" }, "invalid_scope"],
    ["a device of two lines", { device: "a\nb" }, "invalid_request"],
    ["a device that reverses the text around it", { device: "a\u202eb" }, "invalid_request"],
    ["a long device", { device: "a".repeat(101) }, "invalid_request"],
    ["a device of blanks", { device: "  " }, "invalid_request"],
    ["the answer in a fragment", { response_mode: "fragment" }, "invalid_request"],
    ["a request object", { request: "eyJ" }, "invalid_request"],
    ["a request object elsewhere", { request_uri: "https://evil.example" }, "invalid_request"],
  ] as const)("of %s", (_what, changes, error) => {
    const answer = errorOf(query(changes));
    expect([answer.get("error"), answer.get("state")]).toEqual([error, "a state"]);
  });

  test("of parameters that are there twice, without a state that is not certain", () => {
    expect(errorOf(`${query()}&code_challenge_method=plain`).get("error")).toBe("invalid_request");
    expect(errorOf(`${query()}&scope=admin`).get("state")).toBe("a state");
    expect(errorOf(`${query()}&state=b`).get("state")).toBeNull();
  });

  test.each([
    ["missing", undefined],
    ["too long", "a".repeat(501)],
    ["not ASCII", "ä"],
    ["of two lines", "a\r\nb"],
  ])("of a state that is %s, which is not repeated", (_what, state) => {
    const answer = errorOf(query({ state }));
    expect([answer.get("error"), answer.get("state")]).toEqual(["invalid_request", null]);
  });
});

test("Any text is read, refused to the person, or goes back to an address of the client", () => {
  const word = fc.oneof(
    fc.constantFrom(
      "client_id",
      "redirect_uri",
      "state",
      "scope",
      "device",
      "code_challenge",
      "sallyport-cli",
      "%",
      "&",
    ),
    fc.string({ unit: "binary", maxLength: 30 }),
  );
  const added = fc.array(fc.tuple(word, word), { maxLength: 6 });
  const text = fc.oneof(
    fc.string({ unit: "binary", maxLength: 300 }),
    added.map((pairs) => `${query()}&${pairs.map(([a, b]) => `${a}=${b}`).join("&")}`),
    added.map((pairs) => {
      const made = new URLSearchParams(query());
      for (const [name, value] of pairs) made.set(name.toWellFormed(), value.toWellFormed());
      return made.toString();
    }),
  );
  fc.assert(
    fc.property(text, (given) => {
      try {
        const found = read(given);
        const url = found.kind === "request" ? found.redirectUri : found.redirect;
        expect(url).toMatch(/^http:\/\/(127\.0\.0\.1|\[::1\]):\d+\/signed-in(\?|$)/);
        if (found.kind === "request")
          expect(found.scopes.every((scope) => OAUTH_SCOPES.includes(scope))).toBe(true);
      } catch (error) {
        expect(error).toBeInstanceOf(ProtocolError);
      }
    }),
    { numRuns: 3_000 },
  );
});

test("A request that URLSearchParams writes is read as it was meant", () => {
  const device = fc
    .string({ unit: "binary", minLength: 1, maxLength: 100 })
    .filter((text) => readDevice(text) !== undefined);
  const state = fc.string({ minLength: 1, maxLength: 500 });
  fc.assert(
    fc.property(device, state, fc.subarray([...OAUTH_SCOPES], { minLength: 1 }), (name, given, scopes) => {
      expect(read(query({ device: name, state: given, scope: scopes.toReversed().join(" ") }))).toMatchObject(
        {
          kind: "request",
          device: name,
          state: given,
          scopes,
        },
      );
    }),
  );
});

test("Scopes that are named twice count once", () => {
  expect(readScopes("connect connect account")).toEqual(["connect", "account"]);
});
