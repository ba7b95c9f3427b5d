// What a provider says after people have signed in: it signs them out, no longer confirms them, or says nothing because it is down.

import { SignJWT } from "jose";
import { describe, expect, test } from "vitest";
import { Liveness } from "../../../gateway/identity/providers/liveness.ts";
import { Providers } from "../../../gateway/identity/providers/providers.ts";
import { loadProviders } from "../../../gateway/identity/providers/settings/load.ts";
import { loadSealer } from "../../../gateway/identity/sealed.ts";
import { createGatewayLog } from "../../../gateway/log.ts";
import { parseTokenId } from "../../../protocol/values/id.ts";
import type { StandInBrowser } from "../../support/identity/browser.ts";
import { gatewayWithProvider } from "../../support/identity/gateway-with-provider.ts";

const ANA = { email: "ana@corp.example", email_verified: true, preferred_username: "ana", groups: ["staff"] };
const QUARTER_HOUR = 15 * 60_000;
type Site = Awaited<ReturnType<typeof gatewayWithProvider>>;

/** The same gateway's liveness check with a clock of the test's own. */
async function livenessOf({ gateway, dataDir, identityFile }: Site) {
  const log = createGatewayLog("silent", () => undefined);
  const loaded = await loadProviders({ file: identityFile, provider: null });
  const providers = new Providers(loaded, {}, log);
  let now = Date.now();
  const sealer = await loadSealer(dataDir);
  const liveness = new Liveness({ store: gateway.store, sealer, providers, log, now: () => now });
  return {
    liveness,
    pass: (ms: number) => {
      now += ms;
    },
  };
}

async function client({ gateway, session }: Site, browser: StandInBrowser) {
  const { signInId } = (await session(browser)).body;
  const row = await gateway.store.signIns.row(parseTokenId(signInId));
  if (row?.provider == null || row.identity_id === null) throw new Error("not signed in by a provider");
  return await gateway.store.signIns.createClient(
    {
      accountId: row.account_id,
      client: "sallyport-cli",
      device: "laptop",
      method: "oauth",
      scopes: ["connect"],
      address: "127.0.0.1",
      identity: {
        provider: row.provider,
        identityId: row.identity_id,
        ...(row.idp_session === null ? {} : { idpSession: row.idp_session }),
      },
    },
    { account: "ana" },
  );
}

describe("back-channel logout", () => {
  test("by the provider itself ends that session's browser, its programs and their event streams", async () => {
    const site = await gatewayWithProvider();
    const { signedIn, session, url, call, browser, signIn } = site;
    const ana = await signedIn("sub-1", ANA);
    const program = await client(site, ana);
    const elsewhere = browser();
    await signIn(elsewhere);
    const stream = await site.send("GET", "/api/v1/events", undefined, {
      headers: { cookie: `__Host-sp_session=${ana.cookie(url, "__Host-sp_session")}` },
    });
    expect(stream.status).toBe(200);
    // The person signs out at the provider, and confirms there that they mean it.
    const page = await ana.open(`${site.idp.issuer}/session/end`, "cross-site");
    const xsrf = /name="xsrf" value="([^"]+)"/.exec(page.text)?.[1] ?? "";
    const start = performance.now();
    await ana.submit(`${site.idp.issuer}/session/end/confirm`, { xsrf, logout: "yes" });
    await stream.text();
    expect(performance.now() - start).toBeLessThan(5_000);
    expect((await session(ana)).body.code).toBe("token_revoked");
    expect((await call("GET", "/me", program.access)).body.code).toBe("token_revoked");
    // It was a session of its own at the provider.
    expect((await session(elsewhere)).status).toBe(200);
  });

  test("begins here too: signing out leads to the provider's own page, and then back", async () => {
    const { signedIn, url, idp, session } = await gatewayWithProvider();
    const ana = await signedIn("sub-1", ANA);
    const { endSession } = (await ana.api("DELETE", `${url}/api/v1/session`)).body;
    const out = new URL(endSession);
    expect([out.origin, out.pathname]).toEqual([idp.issuer, "/session/end"]);
    expect(out.searchParams.get("post_logout_redirect_uri")).toBe(`${url}/sign-in`);
    expect(out.searchParams.get("id_token_hint")).toMatch(/^eyJ/);
    const page = await ana.open(endSession, "cross-site");
    expect(page.status).toBe(200);
    expect((await session(ana)).status).toBe(401);
  });

  test("is not taken from anybody else", async () => {
    const { signedIn, session, url, idp } = await gatewayWithProvider();
    const ana = await signedIn("sub-1", ANA);
    const post = (body: string, provider = "main", type = "application/x-www-form-urlencoded") =>
      fetch(`${url}/sign-in/logout/${provider}`, { method: "POST", body, headers: { "content-type": type } });
    const forged = await new SignJWT({
      events: { "http://schemas.openid.net/event/backchannel-logout": {} },
      sub: "sub-1",
      jti: "x",
    })
      .setProtectedHeader({ alg: "HS256", typ: "logout+jwt" })
      .setIssuedAt()
      .setIssuer(idp.issuer)
      .setAudience(idp.clientId)
      .sign(new TextEncoder().encode(idp.clientSecret));
    for (const answer of [
      await post(`logout_token=${forged}`),
      await post(`logout_token=${forged}`, "none"),
      await post(""),
      await post(`logout_token=${forged}&logout_token=${forged}`),
      await post(`logout_token=${"x".repeat(20_000)}`),
    ]) {
      expect([answer.status, answer.headers.get("cache-control")]).toEqual([400, "no-store"]);
    }
    expect((await post("x".repeat(40_000))).status).toBe(413);
    expect((await post("{}", "main", "application/json")).status).toBeGreaterThanOrEqual(400);
    expect((await session(ana)).status).toBe(200);
  });
});

describe("a provider that is asked again", () => {
  test("confirms quietly, and is not asked within a quarter of an hour", async () => {
    const site = await gatewayWithProvider();
    const { signedIn, session, idp } = site;
    const ana = await signedIn("sub-1", ANA);
    const id = parseTokenId((await session(ana)).body.signInId);
    const { liveness, pass } = await livenessOf(site);
    const asked = () => idp.requests.filter((request) => request === "POST /token").length;
    const before = asked();
    await liveness.confirm(id);
    pass(QUARTER_HOUR - 120_000);
    await liveness.confirm(id);
    expect(asked()).toBe(before);
    pass(180_000);
    // Many requests at once ask once: this provider takes a refresh token once only.
    await Promise.all([liveness.confirm(id), liveness.confirm(id), liveness.sweep()]);
    expect(asked()).toBe(before + 1);
    pass(QUARTER_HOUR + 1_000);
    await liveness.confirm(id);
    expect(asked()).toBe(before + 2);
    expect((await session(ana)).status).toBe(200);
  });

  test("and says no ends the browser and the programs of that person, and nobody else's", async () => {
    const site = await gatewayWithProvider();
    const { signedIn, session, idp, call, browser, signIn } = site;
    const bo = await signedIn("sub-2", { preferred_username: "bo" });
    const ana = await signedIn("sub-1", ANA);
    const elsewhere = browser();
    await signIn(elsewhere);
    const program = await client(site, ana);
    const { liveness, pass } = await livenessOf(site);
    await idp.disable("sub-1");
    pass(QUARTER_HOUR + 1_000);
    await expect(liveness.confirm(program.id)).rejects.toMatchObject({ code: "token_revoked" });
    expect((await session(ana)).body.code).toBe("token_revoked");
    expect((await session(elsewhere)).body.code).toBe("token_revoked");
    expect((await call("GET", "/me", program.access)).body.code).toBe("token_revoked");
    await liveness.sweep();
    expect((await session(bo)).status).toBe(200);
  });

  test("is asked when a program renews its sign-in, which then ends", async () => {
    const site = await gatewayWithProvider();
    const { signedIn, session, idp, gateway, url, call } = site;
    const ana = await signedIn("sub-1", ANA);
    const program = await client(site, ana);
    const renew = async (token: string) => {
      const response = await fetch(`${url}/oauth/token`, {
        method: "POST",
        body: new URLSearchParams({
          grant_type: "refresh_token",
          refresh_token: token,
          client_id: "sallyport-cli",
        }),
      });
      return (await response.json()) as Record<string, string>;
    };
    await idp.disable("sub-1");
    const longAgo = new Date(Date.now() - QUARTER_HOUR - 1_000);
    const identity = await gateway.store.identities.find(idp.issuer, "sub-1");
    if (identity === undefined) throw new Error("nobody signed in");
    for (const { id } of await gateway.store.signIns.byIdentity(identity.id)) {
      await gateway.store.providerSignIns.noteChecked(id, longAgo, undefined);
    }
    expect((await renew(program.refresh)).error).toBe("invalid_grant");
    expect((await call("GET", "/me", program.access)).body.code).toBe("token_revoked");
    expect((await session(ana)).status).toBe(401);
  });

  test("whose session for one browser has ended leaves the others signed in", async () => {
    const site = await gatewayWithProvider();
    const { signedIn, session, idp, browser, signIn } = site;
    const ana = await signedIn("sub-1", ANA);
    const first = idp.grantsOf("sub-1");
    const elsewhere = browser();
    await signIn(elsewhere);
    const id = parseTokenId((await session(ana)).body.signInId);
    const { liveness, pass } = await livenessOf(site);
    for (const grant of first) await idp.endGrant(grant);
    pass(QUARTER_HOUR + 1_000);
    await expect(liveness.confirm(id)).rejects.toMatchObject({ code: "token_revoked" });
    expect((await session(elsewhere)).status).toBe(200);
  });

  test("takes the administrator's role away without a new sign-in", async () => {
    const site = await gatewayWithProvider({ adminGroups: ["admins"] });
    const { signedIn, session, idp } = site;
    const ana = await signedIn("sub-1", { ...ANA, groups: ["admins"] });
    const { liveness, pass } = await livenessOf(site);
    idp.claims.set("sub-1", ANA);
    pass(QUARTER_HOUR + 1_000);
    await liveness.sweep();
    const { account, scopes } = (await session(ana)).body;
    expect([account.admin, scopes.includes("admin")]).toEqual([false, false]);
  });

  test("and whose rules no longer admit somebody ends their sign-in", async () => {
    const site = await gatewayWithProvider({ allowGroups: ["staff"] });
    const { signedIn, session, idp } = site;
    const ana = await signedIn("sub-1", ANA);
    const { liveness, pass } = await livenessOf(site);
    // What does not come decides nothing.
    idp.claims.set("sub-1", { ...ANA, groups: undefined });
    pass(QUARTER_HOUR + 1_000);
    await liveness.sweep();
    expect((await session(ana)).status).toBe(200);
    idp.claims.set("sub-1", { ...ANA, groups: ["guests"] });
    pass(QUARTER_HOUR + 1_000);
    await liveness.sweep();
    expect((await session(ana)).body.code).toBe("token_revoked");
  });
});

describe("a provider that is down", () => {
  test("stops nobody who is signed in, and says so to those who want to", async () => {
    const site = await gatewayWithProvider();
    const { signedIn, session, idp, browser, signIn, url, call, admin } = site;
    const ana = await signedIn("sub-1", ANA);
    const id = parseTokenId((await session(ana)).body.signInId);
    const { liveness, pass } = await livenessOf(site);
    idp.setDown(true);
    pass(QUARTER_HOUR + 1_000);
    await liveness.confirm(id);
    await liveness.sweep();
    expect((await session(ana)).status).toBe(200);
    const made = await ana.api("POST", `${url}/api/v1/tokens`, { title: "x", scopes: ["connect"] });
    expect(made.status).toBe(201);
    // The metadata is known, so a person gets as far as the provider; coming back from there fails with a code.
    const page = browser();
    page.stopAt = (at) => at.origin !== url;
    const { url: asked } = await signIn(page);
    page.stopAt = () => false;
    const answer = new URL(`${url}/sign-in/callback/main`);
    answer.search = String(
      new URLSearchParams({ state: asked.searchParams.get("state") ?? "", iss: idp.issuer, code: "x" }),
    );
    expect((await page.open(answer.href, "cross-site")).url.searchParams.get("error")).toBe(
      "provider_unavailable",
    );
    // Signing out works, and other ways in do too.
    expect((await ana.api("DELETE", `${url}/api/v1/session`)).status).toBe(200);
    expect((await call("GET", "/me", admin)).status).toBe(200);
  });

  test("does not keep the gateway from starting, and is there once it answers", async () => {
    const site = await gatewayWithProvider({}, { down: true });
    const { browser, signIn, idp, signedIn, url, call, admin } = site;
    expect((await call("GET", "/sign-in-methods")).body.providers).toEqual([
      { id: "main", kind: "oidc", label: "Main" },
    ]);
    const visit = await signIn(browser());
    expect(visit.url.href).toBe(`${url}/sign-in?error=provider_unavailable&provider=main&return=%2F#`);
    const [status] = (await call("GET", "/admin/providers", admin)).body;
    expect(status).toMatchObject({ state: "unreachable" });
    expect(status.problem).not.toBe("");
    idp.setDown(false);
    await expect
      .poll(
        async () =>
          await signedIn("sub-1", ANA).then(
            () => true,
            () => false,
          ),
        { interval: 500 },
      )
      .toBe(true);
  });
});
