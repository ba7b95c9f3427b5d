// Identity providers in a browser: the way to the first one, the state of each, and what a test of one brought. All texts that
// a provider chose are shown as text.

import { describe, expect, test } from "vitest";
import { openPage, screens, signIn, site } from "../../../support/browser/browser.ts";
import { BROWSER, sharedBrowser } from "../../../support/browser/chromium.ts";
import { fakeApi } from "../../../support/browser/fake-api.ts";

const browser = sharedBrowser();
const EVIL = `<img src=x onerror="window.evil=1">`;
const PROVIDER = {
  id: "corp",
  kind: "oidc",
  label: `Example ${EVIL}`,
  issuer: "https://login.example",
  clientId: "sallyport",
  scopes: ["openid", "email"],
  redirectUri: "https://gateway.example/sign-in/callback/corp",
  backChannelLogoutUri: "https://gateway.example/sign-in/logout/corp",
  afterSignOutUri: null,
  allowDomains: ["example.com"],
  allowGroups: ["staff"],
  denyGroups: [],
  adminGroups: ["admins"],
  groupsClaim: "groups",
  state: "unreachable",
  checkedAt: new Date().toISOString(),
  problem: `connect ECONNREFUSED ${EVIL}`,
};
const TEST = {
  provider: "corp",
  at: new Date().toISOString(),
  claims: [
    { name: "sub", value: '"42"', from: "id_token" },
    { name: EVIL, value: JSON.stringify(EVIL), from: "userinfo" },
  ],
  truncated: true,
  issuer: "https://login.example",
  subject: "42",
  allowed: false,
  rule: "no allowed group: the groups claim did not come",
  admin: false,
  warnings: ["The e-mail address is not verified.", "The claim groups did not come."],
  accountName: null,
  error: null,
};

describe.skipIf(BROWSER === undefined)("identity providers", () => {
  test("begin with what to register and which options to start with", async () => {
    const gateway = await site();
    const page = await openPage(await browser());
    await signIn(page, gateway, gateway.admin, "/admin/providers");
    await page.getByText("No identity provider is configured").waitFor();
    expect(await page.getByLabel("Redirect URI", { exact: true }).inputValue()).toBe(
      `${gateway.url}/sign-in/callback/oidc`,
    );
    expect(await page.getByLabel("Options", { exact: true }).inputValue()).toContain(
      "--oidc-client-secret-file",
    );
    await screens(page, "providers-none");
  });

  test("show their state, what to register, and what a test brought", async () => {
    const gateway = await site();
    const page = await openPage(await browser());
    await signIn(page, gateway, gateway.admin);
    await fakeApi(page, { "GET /admin/providers": [PROVIDER], "GET /admin/providers/corp/test": TEST });
    await page.goto(`${gateway.url}/admin/providers`);
    await page.getByText("Unreachable").waitFor();
    const link = page.getByRole("link", { name: /^Test Example/ });
    expect(await link.getAttribute("href")).toBe(
      "/sign-in/start/corp?purpose=test&return=%2Fadmin%2Fproviders%3Ftest%3Dcorp",
    );
    await screens(page, "providers");
    await page.goto(`${gateway.url}/admin/providers?test=corp`);
    await page.getByText("Somebody with these claims may not sign in.").waitFor();
    await page.getByText("What decided: no allowed group: the groups claim did not come").waitFor();
    await page.getByText("The e-mail address is not verified.").waitFor();
    await page.getByRole("rowheader", { name: EVIL }).waitFor();
    await screens(page, "provider-test");
    await page.goto(
      `${gateway.url}/admin/providers?error=sign_in_refused&provider=${encodeURIComponent(EVIL)}`,
    );
    await page.getByText(`The test of ${EVIL} failed.`).waitFor();
    expect(await page.evaluate("window.evil")).toBeUndefined();
    expect(await page.locator("main img").count()).toBe(0);
  });
});
