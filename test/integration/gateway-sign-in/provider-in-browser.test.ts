// Chromium at a gateway and a real provider on a different site: its cookies, its Sec-Fetch headers, and the pages that wait at the
// end of each way.

import type { Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import { openPage, signIn as signInByToken } from "../../support/browser/browser.ts";
import { BROWSER, sharedBrowser } from "../../support/browser/chromium.ts";
import { gatewayWithProvider } from "../../support/identity/gateway-with-provider.ts";

const browser = sharedBrowser();
const ANA = { email: "ana@corp.example", email_verified: true, preferred_username: "ana", groups: ["staff"] };

const site = (settings: Readonly<Record<string, unknown>> = {}) =>
  gatewayWithProvider(settings, { host: "localhost" });
const heading = (page: Page, name: string) => page.getByRole("heading", { level: 1, name });

describe.skipIf(BROWSER === undefined)("in Chromium", () => {
  test("a person signs in by a provider and is at the page that they wanted", async () => {
    const { url, idp } = await site();
    idp.person = "sub-1";
    idp.claims.set("sub-1", ANA);
    const page = await openPage(await browser());
    await page.goto(`${url}/keys`);
    await page.getByRole("link", { name: "Continue with Main" }).click();
    await page.waitForURL(`${url}/keys#`);
    await page.getByRole("navigation").waitFor();
    const cookies = await page.context().cookies(url);
    expect(
      cookies.map(({ name, secure, httpOnly, sameSite }) => ({ name, secure, httpOnly, sameSite })),
    ).toEqual([{ name: "__Host-sp_session", secure: true, httpOnly: true, sameSite: "Lax" }]);
  });

  test("a person whose name is taken chooses one", async () => {
    const { url, idp, account } = await site();
    await account("ana");
    idp.person = "sub-1";
    idp.claims.set("sub-1", ANA);
    const page = await openPage(await browser());
    await page.goto(`${url}/devices`);
    await page.getByRole("link", { name: "Continue with Main" }).click();
    await heading(page, "Choose a name").waitFor();
    await page.getByRole("textbox", { name: "Name" }).fill("ana-l");
    await page.getByRole("button", { name: "Make the account" }).click();
    await page.waitForURL(`${url}/devices`);
    await page.getByRole("navigation").waitFor();
  });

  test("a person who is not admitted, and one whose provider is down, read why", async () => {
    const { url, idp } = await site({ allowGroups: ["staff"] });
    idp.person = "sub-1";
    idp.claims.set("sub-1", { ...ANA, groups: [] });
    const page = await openPage(await browser());
    await page.goto(url);
    await page.getByRole("link", { name: "Continue with Main" }).click();
    await page.getByText("The gateway does not let you in.").waitFor();
    await page.goto(`${url}/sign-in?error=provider_unavailable&provider=main`);
    await page.getByText("The identity provider does not answer.").waitFor();
  });

  test("a foreign page makes a browser neither link an identity nor confirm anything", async () => {
    const { url, idp, account, call } = await site();
    const bo = await account("bo");
    const page = await openPage(await browser());
    await signInByToken(page, { url }, bo.token);
    // Somebody makes Bo's browser come from their own page, with their own identity at the provider.
    idp.person = "attacker";
    for (const purpose of ["link", "again"]) {
      await page.goto(`${idp.issuer}/.well-known/openid-configuration`);
      await page.evaluate(`location.href = "${url}/sign-in/start/main?purpose=${purpose}&return=/account"`);
      await page.waitForURL(/error=forbidden/);
    }
    expect((await call("GET", "/identities", bo.token)).body).toEqual([]);
    expect(idp.requests.filter((request) => request.startsWith("GET /auth"))).toEqual([]);
    // Bo's own page does link it.
    idp.person = "sub-1";
    await page.goto(`${url}/account`);
    await page.getByRole("button", { name: "Connect Main" }).click();
    await page.getByRole("button", { name: "Remove sub-1" }).waitFor();
    expect((await call("GET", "/identities", bo.token)).body).toMatchObject([{ subject: "sub-1" }]);
  });

  test("an administrator sees what a test of the provider brought", async () => {
    const { url, idp, admin } = await site({ allowGroups: ["staff"] });
    idp.person = "sub-1";
    idp.claims.set("sub-1", ANA);
    const page = await openPage(await browser());
    await signInByToken(page, { url }, admin, "/admin/providers");
    await page.getByRole("link", { name: "Test Main" }).click();
    await page.getByText("allowed group: staff").waitFor();
    await page.getByText("ana@corp.example").first().waitFor();
  });
});
