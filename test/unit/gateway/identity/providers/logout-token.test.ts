// Logout tokens: only the provider's own, fresh ones that name somebody are taken, and each once.

import {
  createLocalJWKSet,
  exportJWK,
  exportSPKI,
  type GenerateKeyPairResult,
  generateKeyPair,
  type JWTPayload,
  SignJWT,
} from "jose";
import { beforeAll, describe, expect, test } from "vitest";
import { LogoutTokens } from "../../../../../gateway/identity/providers/oidc/logout-token.ts";
import {
  type OidcSettings,
  parseSettings,
} from "../../../../../gateway/identity/providers/settings/settings.ts";

const ISSUER = "https://login.example";
const EVENT = "http://schemas.openid.net/event/backchannel-logout";
const settings = parseSettings(
  { id: "m", kind: "oidc", issuer: ISSUER, clientId: "client" },
  "x",
) as OidcSettings;

let own: GenerateKeyPairResult;
let foreign: GenerateKeyPairResult;
let keys: ReturnType<typeof createLocalJWKSet>;
beforeAll(async () => {
  own = await generateKeyPair("RS256", { extractable: true });
  foreign = await generateKeyPair("RS256");
  keys = createLocalJWKSet({
    keys: [{ ...(await exportJWK(own.publicKey)), kid: "k", use: "sig", alg: "RS256" }],
  });
});

let count = 0;
const now = (): number => Math.floor(Date.now() / 1000);
const good = (): JWTPayload => ({
  iss: ISSUER,
  aud: "client",
  iat: now(),
  exp: now() + 120,
  jti: `id-${++count}`,
  events: { [EVENT]: {} },
  sub: "ana",
  sid: "s1",
});
const sign = (
  payload: JWTPayload,
  header: object = {},
  key?: GenerateKeyPairResult["privateKey"] | Uint8Array,
) =>
  new SignJWT(payload)
    .setProtectedHeader({ alg: "RS256", kid: "k", typ: "logout+jwt", ...header })
    .sign(key ?? own.privateKey);

test("A good one says who signed out, once", async () => {
  const tokens = new LogoutTokens(settings);
  const token = await sign(good());
  expect(await tokens.check(token, ISSUER, keys)).toEqual({ issuer: ISSUER, subject: "ana", session: "s1" });
  await expect(tokens.check(token, ISSUER, keys)).rejects.toMatchObject({ code: "bad_token" });
  const { sub, ...bySession } = good();
  expect(await tokens.check(await sign(bySession), ISSUER, keys)).toEqual({ issuer: ISSUER, session: "s1" });
  // The type is only recommended.
  expect(await tokens.check(await sign(good(), { typ: undefined }), ISSUER, keys)).toMatchObject({
    subject: "ana",
  });
});

describe("It is refused", () => {
  const changes: readonly (readonly [string, (payload: JWTPayload) => JWTPayload])[] = [
    ["a different issuer", (p) => ({ ...p, iss: "https://evil.example" })],
    ["a different audience", (p) => ({ ...p, aud: "other" })],
    ["no audience", ({ aud, ...p }) => p],
    ["a nonce", (p) => ({ ...p, nonce: "n" })],
    ["no events", ({ events, ...p }) => p],
    ["a different event", (p) => ({ ...p, events: { "http://x": {} } })],
    ["an event that is no object", (p) => ({ ...p, events: { [EVENT]: true } })],
    ["events as a list", (p) => ({ ...p, events: [EVENT] })],
    ["nobody", ({ sub, sid, ...p }) => p],
    ["empty names", (p) => ({ ...p, sub: "", sid: "" })],
    ["no id", ({ jti, ...p }) => p],
    ["no time", ({ iat, ...p }) => p],
    ["that is expired", (p) => ({ ...p, exp: now() - 120 })],
    ["that is old", ({ exp, ...p }) => ({ ...p, iat: now() - 3_600 })],
    ["from the future", (p) => ({ ...p, iat: now() + 3_600, exp: now() + 3_700 })],
  ];
  test.each(changes)("with %s", async (_name, change) => {
    const token = await sign(change(good()));
    await expect(new LogoutTokens(settings).check(token, ISSUER, keys)).rejects.toMatchObject({
      code: "bad_token",
    });
  });

  test("if it is an ID token or an access token by its type", async () => {
    for (const typ of ["at+jwt", "dpop+jwt", "id_token+jwt"]) {
      const token = await sign(good(), { typ });
      await expect(new LogoutTokens(settings).check(token, ISSUER, keys)).rejects.toThrow("its type");
    }
  });

  test("if somebody else signed it, or nobody, or the public key was used as a password", async () => {
    const none = `${Buffer.from('{"alg":"none","typ":"logout+jwt"}').toString("base64url")}.${Buffer.from(JSON.stringify(good())).toString("base64url")}.`;
    const asPassword = new TextEncoder().encode(await exportSPKI(own.publicKey));
    for (const token of [
      await sign(good(), {}, foreign.privateKey),
      await sign(good(), { kid: "unknown" }, foreign.privateKey),
      await sign(good(), { alg: "HS256" }, asPassword),
      none,
      "",
      "a.b.c",
      `${await sign(good())}x`,
      "x".repeat(20_000),
    ]) {
      await expect(new LogoutTokens(settings).check(token, ISSUER, keys)).rejects.toMatchObject({
        code: "bad_token",
      });
    }
  });

  test("but not for good if the keys cannot be fetched", async () => {
    const unreachable = async () => {
      throw new TypeError("fetch failed");
    };
    await expect(
      new LogoutTokens(settings).check(await sign(good()), ISSUER, unreachable),
    ).rejects.toMatchObject({
      code: "provider_unavailable",
    });
  });
});
