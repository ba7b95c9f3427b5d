// Sign-in by a real OpenID Connect provider: who gets in, as whom, and what the browser goes through.

import { describe, expect, test } from "vitest";
import { gatewayWithProvider } from "../../support/identity/gateway-with-provider.ts";

const ANA = { email: "ana@corp.example", email_verified: true, preferred_username: "ana", groups: ["staff"] };

describe("a first sign-in", () => {
  test("makes an account that is named as at the provider, and comes back to the page that asked", async () => {
    const { idp, browser, signIn, session } = await gatewayWithProvider();
    idp.person = "sub-1";
    idp.claims.set("sub-1", ANA);
    const ana = browser();
    const visit = await signIn(ana, "?return=%2Fkeys%3Ffilter%3Dx");
    expect([visit.url.pathname, visit.url.search]).toEqual(["/keys", "?filter=x"]);
    expect((await session(ana)).body).toMatchObject({
      account: { name: "ana", admin: false },
      method: "oidc",
      provider: "main",
    });
  });
});
