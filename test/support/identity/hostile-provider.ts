// An OpenID Connect provider that answers whatever a test wants: wrong tokens, huge answers, slow ones, redirects.

import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, exportSPKI, generateKeyPair, type JWTPayload, SignJWT } from "jose";
import { onTestFinished } from "vitest";

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

export interface HostileProvider {
  readonly issuer: string;
  readonly clientId: string;
  /** What the ID token has; called with what it should have. */
  claims: (good: JWTPayload) => JWTPayload;
  /** Makes the ID token of the claims; the default signs it as it should be. */
  sign: (claims: JWTPayload) => Promise<string>;
  userinfo: Record<string, unknown>;
  /** Replaces the answer at a path. */
  readonly instead: Map<string, Answer>;
  /** Paths that were asked for. */
  readonly requests: string[];
  readonly keys: {
    good(claims: JWTPayload, header?: object): Promise<string>;
    /** By a key that is not published. */
    foreign(claims: JWTPayload, header?: object): Promise<string>;
    /** By HMAC, with the published public key as the password. */
    publicKeyAsPassword(claims: JWTPayload): Promise<string>;
    secretAsPassword(claims: JWTPayload): Promise<string>;
    none(claims: JWTPayload): Promise<string>;
  };
}

/** Ends with the test. */
export async function startHostileProvider(secret: string): Promise<HostileProvider> {
  const own = await generateKeyPair("RS256", { extractable: true });
  const foreign = await generateKeyPair("RS256");
  const jwk = { ...(await exportJWK(own.publicKey)), kid: "k", alg: "RS256", use: "sig" };
  const spki = await exportSPKI(own.publicKey);
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const clientId = "client";
  let nonce = "";
  const signed = (claims: JWTPayload, header: object, key: Parameters<SignJWT["sign"]>[0]) =>
    new SignJWT(claims).setProtectedHeader({ alg: "RS256", kid: "k", typ: "JWT", ...header }).sign(key);
  const password = (text: string) => new TextEncoder().encode(text);
  const keys: HostileProvider["keys"] = {
    good: (claims, header = {}) => signed(claims, header, own.privateKey),
    foreign: (claims, header = {}) => signed(claims, header, foreign.privateKey),
    publicKeyAsPassword: (claims) => signed(claims, { alg: "HS256" }, password(spki)),
    secretAsPassword: (claims) => signed(claims, { alg: "HS256" }, password(secret)),
    none: async (claims) =>
      `${[{ alg: "none" }, claims].map((part) => Buffer.from(JSON.stringify(part)).toString("base64url")).join(".")}.`,
  };
  const provider: HostileProvider = {
    issuer,
    clientId,
    claims: (good) => good,
    sign: (claims) => keys.good(claims),
    userinfo: { sub: "ana", email: "ana@corp.example" },
    instead: new Map(),
    requests: [],
    keys,
  };
  const json = (response: ServerResponse, body: unknown): void => {
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(body));
  };
  const answers: Record<string, Answer> = {
    "/.well-known/openid-configuration": (_request, response) =>
      json(response, {
        issuer,
        authorization_endpoint: `${issuer}/authorize`,
        token_endpoint: `${issuer}/token`,
        jwks_uri: `${issuer}/jwks`,
        userinfo_endpoint: `${issuer}/userinfo`,
        response_types_supported: ["code"],
        subject_types_supported: ["public"],
        id_token_signing_alg_values_supported: ["RS256", "HS256", "none"],
      }),
    "/jwks": (_request, response) => json(response, { keys: [jwk] }),
    "/authorize": ({ url = "" }, response) => {
      const query = new URL(url, issuer).searchParams;
      nonce = query.get("nonce") ?? "";
      const back = new URL(query.get("redirect_uri") ?? "");
      back.searchParams.set("code", "c");
      back.searchParams.set("state", query.get("state") ?? "");
      response.writeHead(302, { location: back.href }).end();
    },
    "/token": (_request, response) => {
      const now = Math.floor(Date.now() / 1000);
      const good = {
        iss: issuer,
        aud: clientId,
        sub: "ana",
        iat: now,
        exp: now + 60,
        nonce,
        preferred_username: "ana",
      };
      void provider
        .sign(provider.claims(good))
        .then((idToken) =>
          json(response, { access_token: "a", token_type: "Bearer", expires_in: 60, id_token: idToken }),
        );
    },
    "/userinfo": (_request, response) => json(response, provider.userinfo),
  };
  server.on("request", (request, response) => {
    const path = request.url?.split("?")[0] ?? "";
    provider.requests.push(path);
    const answer = provider.instead.get(path) ?? answers[path];
    if (answer === undefined) response.writeHead(404).end();
    else answer(request, response);
  });
  onTestFinished(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  });
  return provider;
}
