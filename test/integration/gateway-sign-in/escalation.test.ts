// What somebody gains who holds a little: a token with few scopes, a browser that its owner left open, a token that is revoked.

import { describe, expect, test } from "vitest";
import { gatewayWithProvider } from "../../support/identity/gateway-with-provider.ts";
import { testGateway } from "../../support/test-gateway.ts";
import { ed25519 } from "../../unit/gateway/store/memory-store.ts";
import { browserAt } from "./browser-requests.ts";

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

describe("a session that was stolen, which is not fresh", () => {
  test("opens no way in that outlasts it: no key, no share, no changed host", async () => {
    const gateway = await testGateway({ keySources: [{ source: "github", url: "https://github.example" }] });
    const ana = await gateway.account("ana");
    await gateway.account("mallory");
    await gateway.workspace(ana.token, "box");
    const browser = browserAt(gateway);
    expect((await browser.post("/session/token", { token: ana.token })).status).toBe(200);
    await gateway.database((db) =>
      db
        .updateTable("sign_ins")
        .set({ authenticated_at: new Date(Date.now() - 11 * 60_000).toISOString() })
        .execute(),
    );
    const fingerprint = `SHA256:${"A".repeat(43)}`;
    for (const [path, body] of [
      ["/keys", { publicKey: ed25519(7) }],
      ["/keys/import", { source: "github", user: "mallory" }],
      [`/keys/key_${"a".repeat(26)}/proof`, { signature: "x" }],
      ["/workspaces/box/shares", { account: "mallory" }],
      ["/workspaces/box/host-key", { fingerprint, decision: "accept" }],
    ] as const) {
      expect((await browser.post(path, body)).body.code, path).toBe("reauthentication_required");
    }
    // What takes something away needs no proof.
    const declined = await browser.post("/workspaces/box/host-key", { fingerprint, decision: "decline" });
    expect(declined.body.code).toBe("not_found");
  });
});
