// What somebody gains who holds a little: a token with few scopes, a browser that its owner left open, a token that is revoked.

import { describe, expect, test } from "vitest";
import { gatewayWithProvider } from "../../support/identity/gateway-with-provider.ts";

const ANA = { preferred_username: "ana", email: "ana@corp.example", email_verified: true };

describe("a browser that is signed in with a token that may do less than its account", () => {
  test.each([[["account"]], [["account", "connect", "host"]]])(
    "links no identity, which would sign in with everything: %j",
    async (scopes) => {
      const { idp, url, call, admin, browser, session, signIn } = await gatewayWithProvider();
      const { body } = await call("POST", "/tokens", admin, { title: "few", scopes });
      const page = browser();
      await page.api("POST", `${url}/api/v1/session/token`, { token: body.token });
      idp.person = "sub-1";
      idp.claims.set("sub-1", ANA);
      const visit = await page.open(
        `${url}/sign-in/start/main?purpose=link&return=%2Faccount`,
        "same-origin",
      );
      expect(visit.url.search).toBe("?error=scope_missing&provider=main");
      const elsewhere = browser();
      await signIn(elsewhere);
      expect((await session(elsewhere)).body.account).toMatchObject({ name: "ana", admin: false });
    },
  );
});

describe("a browser whose person is not there any more", () => {
  test("is not fresh again by a sign-in for which the provider asked nobody", async () => {
    const { signedIn, session, url, signIn } = await gatewayWithProvider();
    const ana = await signedIn("sub-1", ANA);
    const before = (await session(ana)).body;
    await signIn(ana, "", "cross-site");
    expect((await session(ana)).body.authenticatedAt).toBe(before.authenticatedAt);
    // Nor after signing out: the provider still knows the person.
    await ana.api("DELETE", `${url}/api/v1/session`);
    await signIn(ana);
    expect((await session(ana)).body.authenticatedAt <= before.authenticatedAt).toBe(true);
  });
});
