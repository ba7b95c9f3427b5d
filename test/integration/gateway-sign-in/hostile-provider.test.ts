// Providers that lie, or are not the provider at all: whatever they answer, nobody gets in by it.

import type { JWTPayload } from "jose";
import { describe, expect, test } from "vitest";
import { providerEntry, startWith } from "../../support/identity/gateway-with-provider.ts";
import { startHostileProvider } from "../../support/identity/hostile-provider.ts";
import { freePort } from "../../support/loopback.ts";

const SECRET = "a-secret-of-the-client-1234567890";

async function hostile(settings: Readonly<Record<string, unknown>> = {}) {
  const idp = await startHostileProvider(SECRET);
  const url = `http://127.0.0.1:${await freePort()}`;
  const gateway = await startWith(url, [providerEntry(idp, settings)], SECRET);
  const outcome = async (): Promise<string> => {
    const browser = gateway.browser();
    const visit = await gateway.signIn(browser);
    const error = visit.url.searchParams.get("error");
    const { status } = await gateway.session(browser);
    // Whatever the page says, the browser is signed in only if there was no error.
    expect(status).toBe(error === null ? 200 : 401);
    return error ?? "signed in";
  };
  return { ...gateway, idp, outcome };
}

const now = (): number => Math.floor(Date.now() / 1000);

test("The same provider signs people in as long as it says the truth", async () => {
  const { outcome } = await hostile();
  expect(await outcome()).toBe("signed in");
});

describe("an ID token is refused", () => {
  const changes: Readonly<Record<string, (good: JWTPayload) => JWTPayload>> = {
    "of a different issuer": (good) => ({ ...good, iss: "https://evil.example" }),
    "of an issuer that only begins alike": (good) => ({ ...good, iss: `${good.iss}/` }),
    "without an issuer": ({ iss, ...good }) => good,
    "for a different client": (good) => ({ ...good, aud: "other" }),
    "for several clients without saying which asked": (good) => ({ ...good, aud: ["client", "other"] }),
    "that a different client asked for": (good) => ({ ...good, aud: ["client", "other"], azp: "other" }),
    "without an audience": ({ aud, ...good }) => good,
    "with a different nonce": (good) => ({ ...good, nonce: "replayed" }),
    "without a nonce": ({ nonce, ...good }) => good,
    "without a subject": ({ sub, ...good }) => good,
    "with an empty subject": (good) => ({ ...good, sub: "" }),
    "with a subject that is too long": (good) => ({ ...good, sub: "x".repeat(256) }),
    "with a subject that is no text": (good) => ({ ...good, sub: 7 as unknown as string }),
    "with a subject that hides characters": (good) => ({ ...good, sub: "ana\u202e" }),
    "that has expired": (good) => ({ ...good, exp: now() - 300 }),
    "without an end": ({ exp, ...good }) => good,
    "that is not valid yet": (good) => ({ ...good, nbf: now() + 3_600 }),
    "without a beginning": ({ iat, ...good }) => good,
  };

  test("with claims that do not fit", async () => {
    const { idp, outcome } = await hostile();
    for (const [what, change] of Object.entries(changes)) {
      idp.claims = change;
      expect(await outcome(), what).toBe("sign_in_refused");
    }
  });

  test("that the provider's published key did not sign", async () => {
    const { idp, outcome } = await hostile();
    const { keys } = idp;
    const signatures: Readonly<Record<string, (claims: JWTPayload) => Promise<string>>> = {
      "a foreign key": (claims) => keys.foreign(claims),
      "a foreign key with an unknown id": (claims) => keys.foreign(claims, { kid: "unknown" }),
      "an unknown key id": (claims) => keys.good(claims, { kid: "unknown" }),
      nobody: keys.none,
      "the public key as a password": keys.publicKeyAsPassword,
      "the client's secret as a password": keys.secretAsPassword,
      "nobody any more: the signature is cut off": async (claims) =>
        `${(await keys.good(claims)).split(".").slice(0, 2).join(".")}.`,
      "for different claims": async (claims) => {
        const [head, , signature] = (await keys.good(claims)).split(".");
        const [, changed] = (await keys.foreign({ ...claims, sub: "admin" })).split(".");
        return `${head}.${changed}.${signature}`;
      },
    };
    for (const [what, sign] of Object.entries(signatures)) {
      idp.sign = sign;
      expect(await outcome(), what).toBe("sign_in_refused");
    }
  });

  test("that is missing, or is none at all", async () => {
    const { idp, outcome } = await hostile();
    for (const body of [
      { access_token: "a", token_type: "Bearer" },
      { access_token: "a", token_type: "Bearer", id_token: "" },
      { access_token: "a", token_type: "Bearer", id_token: "a.b.c" },
      { access_token: "a", token_type: "Bearer", id_token: 7 },
      { error: "invalid_grant" },
      [],
    ]) {
      idp.instead.set("/token", (_request, response) =>
        response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(body)),
      );
      expect(["sign_in_refused", "provider_unavailable"], JSON.stringify(body)).toContain(await outcome());
    }
  });
});

test("What it says at the userinfo endpoint counts only for the same person", async () => {
  const { idp, outcome } = await hostile({ allowGroups: ["staff"] });
  idp.userinfo = { sub: "somebody-else", groups: ["staff"] };
  expect(await outcome()).toBe("sign_in_refused");
  idp.userinfo = { groups: ["staff"] };
  expect(await outcome()).toBe("sign_in_refused");
  idp.userinfo = { sub: "ana", groups: ["staff"] };
  expect(await outcome()).toBe("signed in");
});

test("Claims of the ID token weigh more than those of the userinfo endpoint", async () => {
  const { idp, outcome } = await hostile({ allowGroups: ["staff"] });
  idp.claims = (good) => ({ ...good, groups: ["guests"] });
  idp.userinfo = { sub: "ana", groups: ["staff"] };
  expect(await outcome()).toBe("sign_in_refused");
});

describe("an answer ends in time and in size", () => {
  const endless = "x".repeat(64 * 1024);

  test.each(["/token", "/userinfo", "/jwks"])("of %s", async (path) => {
    const { idp, outcome } = await hostile();
    let written = 0;
    idp.instead.set(path, (_request, response) => {
      response.writeHead(200, { "content-type": "application/json" });
      const write = (): void => {
        let hasRoom = true;
        while (hasRoom && !response.destroyed && written < 64 * 1024 * 1024) {
          written += endless.length;
          hasRoom = response.write(endless);
        }
      };
      response.on("drain", write);
      write();
    });
    expect(await outcome()).toBe("provider_unavailable");
    expect(written).toBeLessThan(16 * 1024 * 1024);
    const start = performance.now();
    idp.instead.set(path, () => undefined);
    expect(await outcome()).toBe("provider_unavailable");
    expect(performance.now() - start).toBeLessThan(30_000);
  });

  test("and a redirect is not followed", async () => {
    for (const path of ["/token", "/userinfo", "/jwks"]) {
      const { idp, outcome } = await hostile();
      idp.instead.set(path, (_request, response) =>
        response.writeHead(307, { location: `${idp.issuer}/inside` }).end(),
      );
      expect(await outcome(), path).toBe("provider_unavailable");
      expect(idp.requests).not.toContain("/inside");
    }
  });
});

describe("metadata is refused", () => {
  test.each<readonly [string, (issuer: string) => object]>([
    ["of a different issuer", () => ({ issuer: "https://evil.example" })],
    ["with keys elsewhere by plain http", () => ({ jwks_uri: "ftp://evil.example/jwks" })],
    ["without keys", () => ({ jwks_uri: undefined })],
    ["without a token endpoint", () => ({ token_endpoint: undefined })],
    ["with a script as its address", () => ({ authorization_endpoint: "javascript:alert(1)" })],
  ])("%s", async (_what, change) => {
    const idp = await startHostileProvider(SECRET);
    idp.instead.set("/.well-known/openid-configuration", (_request, response) =>
      response.writeHead(200, { "content-type": "application/json" }).end(
        JSON.stringify({
          issuer: idp.issuer,
          authorization_endpoint: `${idp.issuer}/authorize`,
          token_endpoint: `${idp.issuer}/token`,
          jwks_uri: `${idp.issuer}/jwks`,
          ...change(idp.issuer),
        }),
      ),
    );
    const url = `http://127.0.0.1:${await freePort()}`;
    const { signIn, browser } = await startWith(url, [providerEntry(idp)], SECRET);
    expect((await signIn(browser())).url.searchParams.get("error")).toBe("provider_unavailable");
  });
});

test("A provider that says that it asked long ago confirms nobody", async () => {
  const { idp, browser, signIn, url } = await hostile();
  const page = browser();
  await signIn(page);
  const again = async () =>
    (await page.open(`${url}/sign-in/start/main?purpose=again&return=%2Faccount`, "same-origin")).url;
  idp.claims = (good) => ({ ...good, auth_time: now() - 3_600 });
  expect((await again()).searchParams.get("error")).toBe("sign_in_refused");
  idp.claims = (good) => ({ ...good, auth_time: now() });
  expect((await again()).pathname).toBe("/account");
  // Without a word on it, the request for a new sign-in has to do.
  idp.claims = (good) => good;
  expect((await again()).pathname).toBe("/account");
});

test("A person's picture, profile or any other address is never fetched", async () => {
  const { idp, outcome } = await hostile();
  const inside = `${idp.issuer}/inside`;
  idp.claims = (good) => ({ ...good, picture: inside, profile: inside, website: inside, jku: inside });
  idp.sign = (claims) => idp.keys.good(claims, { jku: inside, x5u: inside });
  idp.userinfo = {
    sub: "ana",
    picture: inside,
    _claim_names: { groups: "x" },
    _claim_sources: { x: { endpoint: inside } },
  };
  expect(await outcome()).toBe("signed in");
  expect(idp.requests).not.toContain("/inside");
});

test("A provider that does not say when it asked makes a session that there is no fresher", async () => {
  const { browser, signIn, session } = await hostile();
  const page = browser();
  await signIn(page);
  const before = (await session(page)).body;
  await signIn(page);
  expect((await session(page)).body).toMatchObject({
    signInId: before.signInId,
    authenticatedAt: before.authenticatedAt,
  });
});
