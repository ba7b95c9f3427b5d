// People who come to their account by an invitation or by SCIM, and then sign in by a provider.

import { describe, expect, test } from "vitest";
import { gatewayWithProvider } from "../../support/identity/gateway-with-provider.ts";

const ANA = { email: "ana@corp.example", email_verified: true, preferred_username: "ana", groups: ["staff"] };
type Site = Awaited<ReturnType<typeof gatewayWithProvider>>;

/** A browser that has opened an invitation. */
async function opened({ call, admin, browser, url }: Site, invitation: object) {
  const made = await call("POST", "/invitations", admin, invitation);
  expect(made.status).toBe(201);
  const page = browser();
  const code = new URL(made.body.link).hash.slice(1);
  expect((await page.api("POST", `${url}/api/v1/invitations/open`, { code })).status).toBe(200);
  return { page, code };
}

const ACCEPT = "?purpose=invitation";

describe("an invitation", () => {
  test("for an account that exists links the identity with it, once", async () => {
    const site = await gatewayWithProvider();
    const { idp, account, session, url, browser, signIn } = site;
    await account("bo");
    const { page, code } = await opened(site, { kind: "identity", name: "bo" });
    idp.person = "sub-1";
    idp.claims.set("sub-1", ANA);
    expect((await signIn(page, ACCEPT, "same-origin")).url.pathname).toBe("/");
    expect((await session(page)).body.account.name).toBe("bo");
    // From now on the identity is enough.
    const elsewhere = browser();
    await signIn(elsewhere);
    expect((await session(elsewhere)).body.account.name).toBe("bo");
    const late = browser();
    expect((await late.api("POST", `${url}/api/v1/invitations/open`, { code })).body.code).toBe(
      "token_revoked",
    );
  });

  test("for a new account gives its name and role, whatever the provider calls the person", async () => {
    const site = await gatewayWithProvider();
    const { page } = await opened(site, { kind: "account", name: "chief", admin: true });
    site.idp.person = "sub-1";
    site.idp.claims.set("sub-1", ANA);
    await site.signIn(page, ACCEPT, "same-origin");
    expect((await site.session(page)).body.account).toMatchObject({ name: "chief", admin: true });
  });

  test("without a name lets the person choose one, and is used up only then", async () => {
    const site = await gatewayWithProvider();
    const { page } = await opened(site, { kind: "account", admin: true });
    site.idp.person = "sub-1";
    site.idp.claims.set("sub-1", { email: "x@corp.example" });
    expect((await site.signIn(page, ACCEPT, "same-origin")).url.pathname).toBe("/welcome/name");
    const [before] = (await site.call("GET", "/invitations", site.admin)).body;
    expect(before.usedAt).toBeNull();
    const chosen = await page.api("POST", `${site.url}/api/v1/session/name`, { name: "chosen" });
    expect(chosen.body.account).toMatchObject({ name: "chosen", admin: true });
    const [after] = (await site.call("GET", "/invitations", site.admin)).body;
    expect(after.usedAt).not.toBeNull();
  });

  test("does not get anybody past the rules, and makes no administrator where the provider decides that", async () => {
    const site = await gatewayWithProvider({ allowGroups: ["staff"], adminGroups: ["admins"] });
    const { page } = await opened(site, { kind: "account", name: "chief", admin: true });
    site.idp.person = "sub-1";
    site.idp.claims.set("sub-1", { ...ANA, groups: ["guests"] });
    const visit = await site.signIn(page, ACCEPT, "same-origin");
    expect(visit.url.searchParams.get("error")).toBe("sign_in_refused");
    site.idp.claims.set("sub-1", ANA);
    await site.signIn(page, ACCEPT, "same-origin");
    expect((await site.session(page)).body.account).toMatchObject({ name: "chief", admin: false });
  });

  test("does not move an identity that belongs to an account", async () => {
    const site = await gatewayWithProvider();
    await site.account("bo");
    await site.signedIn("sub-1", ANA);
    const { page } = await opened(site, { kind: "identity", name: "bo" });
    const visit = await site.signIn(page, ACCEPT, "same-origin");
    expect(visit.url.searchParams.get("error")).toBe("forbidden");
    expect((await site.session(page)).status).toBe(401);
  });

  test("that a foreign page had the browser open is accepted by the person only", async () => {
    const site = await gatewayWithProvider();
    await site.account("mallory");
    // The page of the link opens it as soon as it is shown.
    const { page } = await opened(site, { kind: "identity", name: "mallory" });
    site.idp.person = "sub-1";
    site.idp.claims.set("sub-1", ANA);
    for (const from of ["cross-site", "same-site", "none"]) {
      const visit = await site.signIn(page, ACCEPT, from);
      expect(visit.url.searchParams.get("error"), from).toBe("forbidden");
      expect((await site.session(page)).status).toBe(401);
    }
    expect((await site.signIn(page, ACCEPT, "same-origin")).url.pathname).toBe("/");
  });

  test("that the browser has not opened is none", async () => {
    const site = await gatewayWithProvider();
    site.idp.person = "sub-1";
    site.idp.claims.set("sub-1", ANA);
    const visit = await site.signIn(site.browser(), ACCEPT, "same-origin");
    expect(visit.url.searchParams.get("error")).toBe("bad_request");
  });
});

test("An account that SCIM made is found by its external id, never by an address", async () => {
  const site = await gatewayWithProvider({ scim: true });
  const { gateway, idp, browser, signIn, session } = site;
  const user = { userName: "ana@corp.example", display: "Ana", active: true };
  await gateway.store.scimUsers.create({ ...user, externalId: "sub-1" }, { account: "admin" });
  idp.claims.set("sub-1", { ...ANA, preferred_username: "somebody" });
  idp.claims.set("sub-2", { ...ANA, preferred_username: "ana@corp.example" });
  idp.person = "sub-2";
  const other = browser();
  expect((await signIn(other)).url.pathname).toBe("/welcome/name");
  idp.person = "sub-1";
  const ana = browser();
  await signIn(ana);
  expect((await session(ana)).body.account.name).toBe("ana");
});
