// Sign-in by a real OpenID Connect provider: who gets in, as whom, and what the browser goes through.

import { describe, expect, test } from "vitest";
import type { StandInBrowser } from "../../support/identity/browser.ts";
import { gatewayWithProvider } from "../../support/identity/gateway-with-provider.ts";

const ANA = {
  email: "ana@corp.example",
  email_verified: true,
  preferred_username: "ana",
  name: "Ana López",
  groups: ["staff"],
};
type Site = Awaited<ReturnType<typeof gatewayWithProvider>>;

const redirectCookies = (browser: StandInBrowser, url: string) =>
  [...(browser.cookies.get(url)?.keys() ?? [])].filter((name) => name.startsWith("__Host-sp_redirect_"));
const audited = async ({ call, admin }: Site, event: string) =>
  (await call("GET", "/audit?limit=200", admin)).body.filter(
    (entry: { event: string }) => entry.event === event,
  );

describe("a first sign-in", () => {
  test("makes an account that is named as at the provider, and comes back to the page that asked", async () => {
    const site = await gatewayWithProvider();
    const { idp, browser, signIn, session, url } = site;
    idp.person = "sub-1";
    idp.claims.set("sub-1", ANA);
    const ana = browser();
    const visit = await signIn(ana, "?return=%2Fkeys%3Ffilter%3Dx");
    expect([visit.url.pathname, visit.url.search]).toEqual(["/keys", "?filter=x"]);
    // No fragment is carried over to the page, or to the provider.
    for (const { location } of visit.steps.filter((step) => step.url.startsWith(url))) {
      if (location !== null) expect(location).toMatch(/#$/);
    }
    expect((await session(ana)).body).toMatchObject({
      account: { name: "ana", admin: false },
      method: "oidc",
      provider: "main",
    });
    expect(redirectCookies(ana, url)).toEqual([]);
    const identities = await ana.api("GET", `${url}/api/v1/identities`);
    expect(identities.body).toMatchObject([
      { provider: "main", issuer: idp.issuer, subject: "sub-1", name: "ana@corp.example" },
    ]);
    // The same person is the same account, whatever their name and address have become.
    idp.claims.set("sub-1", { ...ANA, preferred_username: "ana-maria", email: "am@corp.example" });
    const again = browser();
    await signIn(again);
    expect((await session(again)).body.account.name).toBe("ana");
    expect(await audited(site, "identity.linked")).toHaveLength(1);
  });

  test("asks for a name if the provider's is none, or is taken", async () => {
    const { idp, browser, signIn, session, account, url } = await gatewayWithProvider();
    await account("ana");
    idp.person = "sub-1";
    idp.claims.set("sub-1", ANA);
    const page = browser();
    const visit = await signIn(page, "?return=%2Fdevices");
    expect([visit.url.pathname, visit.url.search]).toEqual(["/welcome/name", "?return=%2Fdevices"]);
    expect((await session(page)).status).toBe(401);
    expect((await page.api("GET", `${url}/api/v1/session/name`)).body).toEqual({
      provider: "main",
      display: "ana@corp.example",
      suggestion: "",
    });
    const choose = (name: string) => page.api("POST", `${url}/api/v1/session/name`, { name });
    expect([(await choose("ana")).body.code, (await choose("Ana!")).body.code]).toEqual([
      "name_taken",
      "bad_name",
    ]);
    const chosen = await choose("ana-l");
    expect([chosen.status, chosen.body.account.name]).toEqual([200, "ana-l"]);
    // The cookie that said who waits is gone; a copy of it makes no second account.
    expect((await page.api("GET", `${url}/api/v1/session/name`)).status).toBe(404);
  });

  test("makes one account, also if the name is chosen in two tabs with the same cookie", async () => {
    const { idp, browser, signIn, url, call, admin } = await gatewayWithProvider();
    idp.person = "sub-1";
    idp.claims.set("sub-1", { email: "x@corp.example" });
    const page = browser();
    await signIn(page);
    const copy = browser();
    copy.cookies.set(url, new Map(page.cookies.get(url)));
    const [one, two] = await Promise.all([
      page.api("POST", `${url}/api/v1/session/name`, { name: "first" }),
      copy.api("POST", `${url}/api/v1/session/name`, { name: "second" }),
    ]);
    expect([one.status, two.status].toSorted()).toEqual([200, 403]);
    expect((await call("GET", "/accounts", admin)).body).toHaveLength(2);
  });

  test("never takes over an account by its address or its name", async () => {
    const { idp, signedIn, session, browser, signIn } = await gatewayWithProvider();
    const ana = await signedIn("sub-1", ANA);
    // A different person at the provider has all that Ana shows, and even a verified address.
    idp.person = "sub-2";
    idp.claims.set("sub-2", ANA);
    const other = browser();
    const visit = await signIn(other);
    expect(visit.url.pathname).toBe("/welcome/name");
    expect((await session(other)).status).toBe(401);
    expect((await session(ana)).body.account.name).toBe("ana");
  });
});

describe("the rules", () => {
  test("are asked at each sign-in, and somebody who may not come in any more does not stay in", async () => {
    const site = await gatewayWithProvider({ allowGroups: ["staff"], denyGroups: ["leavers"] });
    const { idp, signedIn, session, browser, signIn } = site;
    const ana = await signedIn("sub-1", ANA);
    idp.claims.set("sub-1", { ...ANA, groups: ["staff", "leavers"] });
    const elsewhere = browser();
    const visit = await signIn(elsewhere);
    expect(visit.url.pathname + visit.url.search).toBe(
      "/sign-in?error=sign_in_refused&provider=main&return=%2F",
    );
    expect((await session(elsewhere)).status).toBe(401);
    expect((await session(ana)).body.code).toBe("token_revoked");
    expect(await audited(site, "sign-in.ended-by-provider")).toHaveLength(1);
  });

  test.each([["true"], ["false"], [1], [null], [undefined]])(
    "take no address that the provider has not verified: %j",
    async (value) => {
      const { idp, browser, signIn } = await gatewayWithProvider({ allowDomains: ["corp.example"] });
      idp.person = "sub-1";
      idp.claims.set("sub-1", { ...ANA, email_verified: value });
      expect((await signIn(browser())).url.searchParams.get("error")).toBe("sign_in_refused");
    },
  );

  test("make and unmake administrators at each sign-in, and nobody else then does", async () => {
    const site = await gatewayWithProvider({ adminGroups: ["admins"] });
    const { idp, signedIn, session, browser, signIn, call, admin } = site;
    const before = await signedIn("sub-1", { ...ANA, groups: ["admins"] });
    const { account, scopes } = (await session(before)).body;
    expect([account.admin, scopes.toSorted()]).toEqual([true, ["account", "admin", "connect", "host"]]);
    expect((await call("PATCH", `/people/${account.id}`, admin, { admin: false })).body).toMatchObject({
      code: "forbidden",
    });
    // A claim that does not come changes nothing.
    idp.claims.set("sub-1", { ...ANA, groups: undefined });
    await signIn(browser());
    expect((await session(before)).body.account.admin).toBe(true);
    idp.claims.set("sub-1", { ...ANA, groups: [] });
    await signIn(browser());
    expect((await session(before)).body).toMatchObject({ account: { admin: false } });
    expect((await session(before)).body.scopes).not.toContain("admin");
    expect(await audited(site, "account.demoted")).toHaveLength(1);
  });

  test("leave the last administrator one", async () => {
    const { idp, signedIn, session, browser, signIn, call, admin } = await gatewayWithProvider({
      adminGroups: ["admins"],
    });
    const ana = await signedIn("sub-1", { ...ANA, groups: ["admins"] });
    const first = (await call("GET", "/me", admin)).body.account;
    await call("PATCH", `/accounts/${first.id}`, admin, { disabled: true });
    idp.claims.set("sub-1", { ...ANA, groups: [] });
    await signIn(browser());
    expect((await session(ana)).body.account.admin).toBe(true);
  });
});

describe("on the way", () => {
  test("two tabs do not meet: each comes back to its own page", async () => {
    const { idp, browser, signIn, url, session } = await gatewayWithProvider();
    idp.person = "sub-1";
    idp.claims.set("sub-1", ANA);
    const tabs = browser();
    tabs.stopAt = (at) => at.pathname === "/sign-in/callback/main";
    const one = await signIn(tabs, "?return=%2Fkeys");
    const two = await signIn(tabs, "?return=%2Fdevices");
    tabs.stopAt = () => false;
    expect(redirectCookies(tabs, url)).toHaveLength(2);
    expect((await tabs.open(two.url.href, "cross-site")).url.pathname).toBe("/devices");
    expect((await tabs.open(one.url.href, "cross-site")).url.pathname).toBe("/keys");
    expect((await session(tabs)).status).toBe(200);
  });

  test("a browser keeps five attempts at most, the newest ones", async () => {
    const { browser, signIn, url } = await gatewayWithProvider();
    const tabs = browser();
    tabs.stopAt = (at) => at.origin !== url;
    const names: string[] = [];
    for (let n = 0; n < 7; n++) {
      await signIn(tabs);
      names.push(redirectCookies(tabs, url).find((name) => !names.includes(name)) ?? "");
    }
    expect(redirectCookies(tabs, url).toSorted()).toEqual(names.slice(2).toSorted());
  });

  test("an answer counts once, in the browser that started, and unchanged", async () => {
    const { idp, browser, signIn, session, url } = await gatewayWithProvider();
    idp.person = "sub-1";
    idp.claims.set("sub-1", ANA);
    const ana = browser();
    ana.stopAt = (at) => at.pathname === "/sign-in/callback/main";
    const { url: answer } = await signIn(ana);
    ana.stopAt = () => false;
    // Login CSRF: somebody else's answer in a different browser.
    const victim = browser();
    expect((await victim.open(answer.href, "cross-site")).url.searchParams.get("error")).toBe(
      "sign_in_refused",
    );
    expect((await session(victim)).status).toBe(401);
    // The answer of an attempt at a different provider, or with a parameter that is there twice.
    const kept = new Map(ana.cookies.get(url));
    for (const change of [
      (at: URL) => at.searchParams.set("iss", "https://evil.example"),
      (at: URL) => at.searchParams.delete("iss"),
      (at: URL) => at.searchParams.append("code", "another"),
      (at: URL) => at.searchParams.append("state", at.searchParams.get("state") ?? ""),
      (at: URL) => at.searchParams.set("state", `${at.searchParams.get("state")?.slice(0, -1)}_`),
      (at: URL) => at.searchParams.delete("state"),
      (at: URL) => at.searchParams.set("code", "made-up"),
    ]) {
      const changed = new URL(answer);
      change(changed);
      ana.cookies.set(url, new Map(kept));
      const visit = await ana.open(changed.href, "cross-site");
      expect(visit.url.searchParams.get("error"), changed.search).toBe("sign_in_refused");
    }
    ana.cookies.set(url, new Map(kept));
    expect((await ana.open(answer.href, "cross-site")).url.pathname).toBe("/");
    expect((await session(ana)).status).toBe(200);
    const replay = await ana.open(answer.href, "cross-site");
    expect(replay.url.searchParams.get("error")).toBe("sign_in_refused");
  });

  test.each([
    "//evil.example",
    "/\\evil.example",
    "\\/evil.example",
    "/%2f/evil.example",
    "https:evil.example",
    "https://evil.example/",
    "javascript:alert(1)",
    "/\tevil",
    "/x\r\nSet-Cookie: a=b",
    "/@evil.example",
    "/\u200b/evil.example",
    "http://own@evil.example",
    "/x#fragment",
  ])("the browser never leaves for %j", async (back) => {
    const { idp, browser, signIn, url } = await gatewayWithProvider();
    idp.person = "sub-1";
    idp.claims.set("sub-1", ANA);
    const visit = await signIn(browser(), `?${new URLSearchParams({ return: back })}`);
    expect([visit.url.origin, visit.url.pathname]).toEqual([url, "/"]);
    const failed = await browser().open(`${url}/sign-in/start/none?${new URLSearchParams({ return: back })}`);
    expect(failed.url.href).toBe(`${url}/sign-in?error=not_found&provider=none&return=%2F#`);
  });

  test("headers of the request decide nothing about where the provider sends the browser", async () => {
    const { browser, url, idp } = await gatewayWithProvider();
    const page = browser();
    page.stopAt = (at) => at.origin !== url;
    const forged = {
      "x-forwarded-host": "evil.example",
      "x-forwarded-proto": "https",
      forwarded: "host=evil.example",
    };
    const visit = await page.open(`${url}/sign-in/start/main`, "none", { ...forged, host: "evil.example" });
    expect(visit.url.origin).toBe(idp.issuer);
    expect(visit.url.searchParams.get("redirect_uri")).toBe(`${url}/sign-in/callback/main`);
    expect(visit.url.searchParams.get("code_challenge_method")).toBe("S256");
  });

  test("frames, images and scripts start nothing", async () => {
    const { browser, url } = await gatewayWithProvider();
    for (const headers of [
      { "sec-fetch-dest": "iframe" },
      { "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image" },
    ]) {
      const visit = await browser().open(`${url}/sign-in/start/main`, "cross-site", headers);
      expect(visit.url.searchParams.get("error")).toBe("forbidden");
    }
  });

  test("what the provider says of an error is not shown, and none of it becomes markup", async () => {
    const { idp, browser, signIn, logLines, url } = await gatewayWithProvider();
    const page = browser();
    page.stopAt = (at) => at.origin !== url;
    const { url: asked } = await signIn(page);
    page.stopAt = () => false;
    const answer = new URL(`${url}/sign-in/callback/main`);
    answer.search = String(
      new URLSearchParams({
        state: asked.searchParams.get("state") ?? "",
        iss: idp.issuer,
        error: "access_denied",
        error_description: "<script>alert(1)</script>\u001b[31m\u202e",
      }),
    );
    const visit = await page.open(answer.href, "cross-site");
    expect(visit.url.search).toBe("?error=sign_in_refused&provider=main&return=%2F");
    expect(visit.text).not.toContain("alert(1)");
    expect(logLines.join("")).not.toMatch(/\\u001b\[31m|\u202e/);
  });

  test("neither code nor state nor token is logged", async () => {
    const { idp, browser, signIn, logLines } = await gatewayWithProvider();
    idp.person = "sub-1";
    idp.claims.set("sub-1", ANA);
    const visit = await signIn(browser());
    const callback = new URL(visit.steps.find(({ url }) => url.includes("/callback/"))?.url ?? "");
    for (const name of ["code", "state"]) {
      expect(callback.searchParams.get(name)).toMatch(/.{20}/);
      expect(logLines.join("")).not.toContain(callback.searchParams.get(name));
    }
  });
});

describe("a person who is signed in", () => {
  test("confirms who they are at the provider, and only as themselves", async () => {
    const { idp, signedIn, session, url } = await gatewayWithProvider();
    // Somebody else, who has an account too.
    await signedIn("sub-2", { preferred_username: "bo" });
    const ana = await signedIn("sub-1", ANA);
    const before = (await session(ana)).body;
    const asked = `${url}/sign-in/start/main?purpose=again&return=%2Faccount`;
    const visit = await ana.open(asked, "same-origin");
    expect(visit.url.pathname).toBe("/account");
    const step = new URL(visit.steps.find((one) => one.url.startsWith(idp.issuer))?.url ?? "");
    expect([step.searchParams.get("prompt"), step.searchParams.get("max_age")]).toEqual(["login", "0"]);
    const after = (await session(ana)).body;
    expect(after.signInId).toBe(before.signInId);
    expect(after.authenticatedAt > before.authenticatedAt).toBe(true);
    for (const person of ["sub-2", "sub-3"]) {
      idp.person = person;
      ana.cookies.delete(idp.issuer);
      const other = await ana.open(asked, "same-origin");
      expect(other.url.searchParams.get("error"), person).toBe("identity_mismatch");
    }
    expect((await session(ana)).body.account.name).toBe("ana");
  });

  test("adds an identity, which nobody else can then have", async () => {
    const { idp, signedIn, session, url, browser, signIn, account } = await gatewayWithProvider();
    const bo = await account("bo");
    const page = browser();
    await page.api("POST", `${url}/api/v1/session/token`, { token: bo.token });
    idp.person = "sub-7";
    idp.claims.set("sub-7", { preferred_username: "robert" });
    const linkPath = `${url}/sign-in/start/main?purpose=link&return=%2Faccount`;
    expect((await page.open(linkPath, "same-origin")).url.href).toBe(`${url}/account#`);
    const [identity] = (await page.api("GET", `${url}/api/v1/identities`)).body;
    expect(identity).toMatchObject({ subject: "sub-7" });
    const elsewhere = browser();
    await signIn(elsewhere);
    expect((await session(elsewhere)).body.account.name).toBe("bo");
    const ana = await signedIn("sub-1", ANA);
    idp.person = "sub-7";
    // The provider still knows Ana there, so it is asked again.
    ana.cookies.delete(idp.issuer);
    const visit = await ana.open(linkPath, "same-origin");
    expect(visit.url.pathname + visit.url.search).toBe("/account?error=forbidden&provider=main");
    // Removing it ends what was signed in by it.
    expect((await page.api("DELETE", `${url}/api/v1/identities/${identity.id}`)).status).toBe(204);
    expect((await session(elsewhere)).body.code).toBe("token_revoked");
    const [own] = (await ana.api("GET", `${url}/api/v1/identities`)).body;
    expect((await ana.api("DELETE", `${url}/api/v1/identities/${identity.id}`)).status).toBe(404);
    // It is the only thing that Ana signs in with.
    expect((await ana.api("DELETE", `${url}/api/v1/identities/${own.id}`)).body.code).toBe("forbidden");
  });

  test("is not made to link or test by a different site, nor by nobody", async () => {
    const { signedIn, url, browser } = await gatewayWithProvider();
    const ana = await signedIn("sub-1", ANA);
    for (const purpose of ["link", "again", "test"]) {
      for (const site of ["cross-site", "same-site", "none"]) {
        const visit = await ana.open(`${url}/sign-in/start/main?purpose=${purpose}`, site);
        expect(visit.url.searchParams.get("error"), `${purpose} ${site}`).toBe("forbidden");
      }
      const visit = await browser().open(`${url}/sign-in/start/main?purpose=${purpose}`, "same-origin");
      expect(visit.url.searchParams.get("error"), purpose).toBe("unauthenticated");
    }
    expect(
      (await ana.open(`${url}/sign-in/start/main?purpose=test`, "same-origin")).url.searchParams.get("error"),
    ).toBe("scope_missing");
  });
});

test("An administrator's test shows the claims that came and the rule that matched, and signs nobody in", async () => {
  const { idp, browser, url, session, call, admin } = await gatewayWithProvider({ allowGroups: ["staff"] });
  const page = browser();
  await page.api("POST", `${url}/api/v1/session/token`, { token: admin });
  idp.person = "sub-1";
  idp.claims.set("sub-1", { ...ANA, groups: ["staff", "x".repeat(50_000)] });
  const visit = await page.open(
    `${url}/sign-in/start/main?purpose=test&return=%2Fadmin%2Fproviders`,
    "same-origin",
  );
  expect(visit.url.href).toBe(`${url}/admin/providers#`);
  const path = `${url}/api/v1/admin/providers/main/test`;
  const result = (await page.api("GET", path)).body;
  expect(result).toMatchObject({
    allowed: true,
    rule: "allowed group: staff",
    subject: "sub-1",
    accountName: "ana",
    admin: null,
    error: null,
  });
  expect(JSON.stringify(result).length).toBeLessThan(33_000);
  const names = result.claims.map(({ name, from }: { name: string; from: string }) => `${from} ${name}`);
  expect(names).toEqual(expect.arrayContaining(["id_token sub", "userinfo email", "userinfo groups"]));
  expect(names.join()).not.toContain("nonce");
  expect((await session(page)).body.account.name).toBe("admin");
  expect((await call("GET", "/accounts", admin)).body).toHaveLength(1);
  const [status] = (await page.api("GET", `${url}/api/v1/admin/providers`)).body;
  expect(status).toMatchObject({ id: "main", state: "ready", redirectUri: `${url}/sign-in/callback/main` });
  expect(JSON.stringify(status)).not.toContain(idp.clientSecret);
  // What goes wrong is a result too: the provider does not take the code.
  page.stopAt = (at) => at.pathname === "/sign-in/callback/main";
  const { url: answer } = await page.open(
    `${url}/sign-in/start/main?purpose=test&return=%2Fadmin%2Fproviders`,
    "same-origin",
  );
  page.stopAt = () => false;
  answer.searchParams.set("code", "made-up");
  expect((await page.open(answer.href, "cross-site")).url.href).toBe(`${url}/admin/providers#`);
  expect((await page.api("GET", path)).body).toMatchObject({
    allowed: false,
    claims: [],
    error: { code: "sign_in_refused" },
  });
});
