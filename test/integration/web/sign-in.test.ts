// The sign-in page: every way to sign in, by keyboard too, and what a link to it cannot do.

import type { Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import { axe, openPage, screens, site } from "../../support/browser/browser.ts";
import { BROWSER, sharedBrowser } from "../../support/browser/chromium.ts";
import { fakeApi } from "../../support/browser/fake-api.ts";

const browser = sharedBrowser();
const METHODS = { providers: [], passkeys: true, cookies: true, deviceCodes: true };
const PROVIDERS = [
  { id: "corp", kind: "oidc", label: "Example Corp" },
  { id: "github", kind: "github", label: "GitHub" },
];
const heading = (page: Page, name: string) => page.getByRole("heading", { level: 1, name });

/** Ways to write a different site, or a script, as a path. */
const ATTACKS = [
  "/\\evil.example",
  "\\/evil.example",
  "/%2f/evil.example",
  "https:evil.example",
  "https://evil.example/",
  "javascript:alert(1)",
  "/@evil.example\u200b",
  "/\t/evil.example",
  "/\r\n//evil.example",
  "/keys#//evil.example",
  "/sign-in/../..//evil.example",
];

async function signInByToken(page: Page, token: string): Promise<void> {
  const summary = page.getByText("Use an access token");
  await page.getByRole("button", { name: "Sign in" }).or(summary).first().waitFor();
  if (await summary.isVisible()) await summary.click();
  await page.getByLabel("Access token").fill(token);
  await page.getByRole("button", { name: "Sign in" }).click();
}

describe.skipIf(BROWSER === undefined)("the sign-in page", () => {
  test("signs in by an access token, with the keyboard alone, and stays signed in", async () => {
    const gateway = await site();
    const page = await openPage(await browser());
    await page.goto(`${gateway.url}/keys`);
    await heading(page, "Sign in").waitFor();
    await page.getByText("Use an access token").waitFor();
    const focusOn = async (name: string) => {
      for (let presses = 0; presses < 20; presses++) {
        await page.keyboard.press("Tab");
        const at = await page.evaluate("document.activeElement.innerText || document.activeElement.name");
        if (at === name) return;
      }
      throw new Error(`the Tab key never comes to ${name}`);
    };
    await focusOn("Use an access token");
    await page.keyboard.press("Enter");
    await focusOn("token");
    await page.keyboard.type(gateway.admin);
    await page.keyboard.press("Enter");
    await heading(page, "SSH keys").waitFor();
    await page.reload();
    await heading(page, "SSH keys").waitFor();
    expect(page.url()).toBe(`${gateway.url}/keys`);
  });

  test("offers providers first, each with the way back", async () => {
    const gateway = await site();
    const page = await openPage(await browser());
    await fakeApi(page, { "GET /sign-in-methods": { ...METHODS, providers: PROVIDERS } });
    await page.goto(`${gateway.url}/sign-in?return=${encodeURIComponent("/activity?event=x&from=2026")}`);
    const link = page.getByRole("link", { name: "Continue with Example Corp" });
    await link.waitFor();
    const href = new URL((await link.getAttribute("href")) ?? "", gateway.url);
    expect(href.pathname).toBe("/sign-in/start/corp");
    expect(href.searchParams.get("return")).toBe("/activity?event=x&from=2026");
    await page.getByRole("button", { name: "Use a passkey" }).waitFor();
    await screens(page, "sign-in");
  });

  test("says at the field that the token is wrong, and keeps the focus there", async () => {
    const gateway = await site();
    const page = await openPage(await browser());
    await page.goto(`${gateway.url}/sign-in`);
    await signInByToken(page, "spt_wrong");
    const field = page.getByLabel("Access token");
    await expect.poll(() => field.getAttribute("aria-invalid")).toBe("true");
    await expect.poll(() => field.evaluate((element) => element.matches(":focus"))).toBe(true);
    await axe(page);
  });

  test("without providers and passkeys, asks for an access token at once", async () => {
    const gateway = await site();
    const page = await openPage(await browser());
    await fakeApi(page, { "GET /sign-in-methods": { ...METHODS, passkeys: false } });
    await page.goto(`${gateway.url}/sign-in`);
    await page.getByText("This gateway has no identity provider.").waitFor();
    await page.getByLabel("Access token").waitFor();
    await screens(page, "sign-in-tokens-only");
  });

  test("says that it needs https where browsers keep no cookie", async () => {
    const gateway = await site();
    const page = await openPage(await browser());
    await fakeApi(page, { "GET /sign-in-methods": { ...METHODS, cookies: false } });
    await page.goto(`${gateway.url}/sign-in`);
    await page.getByText("This gateway needs https").waitFor();
    expect(await page.getByRole("button", { name: "Sign in" }).count()).toBe(0);
    await screens(page, "sign-in-http");
  });

  test("speaks German with people whose browser does, and as they choose", async () => {
    const gateway = await site();
    const page = await openPage(await browser(), { locale: "de-AT" });
    await page.goto(`${gateway.url}/sign-in`);
    await heading(page, "Anmelden").waitFor();
    expect(await page.evaluate("document.documentElement.lang")).toBe("de");
    await page.evaluate('localStorage.setItem("sallyport-language", "en")');
    await page.reload();
    await heading(page, "Sign in").waitFor();
  });

  test("goes nowhere else after signing in, whatever the address asks for", async () => {
    const gateway = await site();
    const page = await openPage(await browser());
    const left: string[] = [];
    page.on("request", (request) => {
      if (new URL(request.url()).origin !== gateway.url) left.push(request.url());
    });
    const open = (attack: string) => page.goto(`${gateway.url}/sign-in?return=${encodeURIComponent(attack)}`);
    await open("//evil.example/");
    await signInByToken(page, gateway.admin);
    await heading(page, "Workspaces").waitFor();
    expect(page.url()).toBe(`${gateway.url}/`);
    // Signed in already, the page goes on at once.
    for (const attack of ATTACKS) {
      await open(attack);
      await heading(page, "Workspaces").waitFor();
      expect(page.url(), JSON.stringify(attack)).toBe(`${gateway.url}/`);
    }
    expect(left).toEqual([]);
  });

  test("shows no text of the address", async () => {
    const gateway = await site();
    const page = await openPage(await browser());
    for (const error of [
      "<img src=x onerror=alert(1)>",
      "Call +1 555 to unlock your account",
      "constructor",
    ]) {
      await page.goto(`${gateway.url}/sign-in?error=${encodeURIComponent(error)}`);
      await page.getByText("Use an access token").waitFor();
      expect(await page.locator("main").innerText()).not.toContain(error);
    }
    await page.goto(`${gateway.url}/sign-in?error=sign_in_refused`);
    await page.getByText("The gateway does not let you in.").waitFor();
  });
});
