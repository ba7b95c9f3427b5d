// The account page: passkeys and identities, how this browser looks, and signing out.

import type { Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import { axe, openPage, screens, signIn, site } from "../../support/browser/browser.ts";
import { BROWSER, sharedBrowser } from "../../support/browser/chromium.ts";
import { fakeApi, sessionOf } from "../../support/browser/fake-api.ts";

const browser = sharedBrowser();
const ago = (days: number) => new Date(Date.now() - days * 86_400_000).toISOString();
const PASSKEY = {
  id: "pky_aaaaaaaaaaaaaaaaaaaaaaaaaa",
  title: "Laptop",
  createdAt: ago(3),
  lastUsedAt: null,
};
const IDENTITY = {
  id: "idn_aaaaaaaaaaaaaaaaaaaaaaaaaa",
  provider: "corp",
  issuer: "https://login.example",
  subject: "42",
  name: "ada@example.com",
  createdAt: ago(40),
  lastSignInAt: ago(1),
};
const METHODS = {
  providers: [
    { id: "corp", kind: "oidc", label: "Example Corp" },
    { id: "github", kind: "github", label: "GitHub" },
  ],
  passkeys: true,
  cookies: true,
  deviceCodes: true,
};
const heading = (page: Page, name: string) => page.getByRole("heading", { level: 1, name });

describe.skipIf(BROWSER === undefined)("the account page", () => {
  test("shows how one signs in, and takes ways away after a question", async () => {
    const gateway = await site();
    const page = await openPage(await browser());
    await signIn(page, gateway, gateway.admin);
    let passkeys = [PASSKEY];
    const asked = await fakeApi(page, {
      "GET /passkeys": () => passkeys,
      [`DELETE /passkeys/${PASSKEY.id}`]: () => {
        passkeys = [];
        return undefined;
      },
      "GET /identities": [IDENTITY],
      "GET /sign-in-methods": METHODS,
    });
    await page.goto(`${gateway.url}/account`);
    await page.getByText("ada@example.com").waitFor();
    expect(await page.getByRole("button", { name: "Connect Example Corp" }).count()).toBe(0);
    await page.getByRole("rowheader", { name: "Laptop" }).waitFor();
    await screens(page, "account");
    await page.getByRole("button", { name: "Remove Laptop" }).click();
    const dialog = page.getByRole("dialog", { name: "Remove Laptop" });
    await dialog.waitFor();
    await axe(page);
    await dialog.getByRole("button", { name: "Remove" }).click();
    await page.getByText("You have no passkey.").waitFor();
    expect(asked.filter(({ call }) => call.startsWith("DELETE"))).toHaveLength(1);
  });

  test("connects a provider, after a fresh sign-in where the last one is old", async () => {
    const gateway = await site();
    const page = await openPage(await browser());
    await signIn(page, gateway, gateway.admin);
    const old = { ...sessionOf("admin"), freshUntil: ago(1) };
    await fakeApi(page, {
      "GET /session": old,
      "GET /passkeys": [],
      "GET /identities": [IDENTITY],
      "GET /sign-in-methods": METHODS,
    });
    await page.route("**/sign-in/start/**", (route) => route.fulfill({ body: "at the provider" }));
    await page.goto(`${gateway.url}/account?error=identity_mismatch&provider=github`);
    await page.getByText("That is a different person at the identity provider.").waitFor();
    await page.getByRole("button", { name: "Connect GitHub" }).click();
    const dialog = page.getByRole("dialog", { name: "Confirm that it is you" });
    const again = await dialog.getByRole("link", { name: "Continue with Example Corp" }).getAttribute("href");
    expect(new URL(again ?? "", gateway.url).searchParams.get("purpose")).toBe("again");
    await dialog.getByText("Use an access token").click();
    await dialog.getByLabel("Access token").fill(gateway.admin);
    await dialog.getByRole("button", { name: "Confirm" }).click();
    await page.getByText("at the provider").waitFor();
    expect(page.url()).toBe(`${gateway.url}/sign-in/start/github?return=%2Faccount&purpose=link`);
  });

  test("changes colours and language in this browser", async () => {
    const gateway = await site();
    const page = await openPage(await browser());
    await signIn(page, gateway, gateway.admin);
    await fakeApi(page, { "GET /passkeys": [], "GET /identities": [] });
    await page.goto(`${gateway.url}/account`);
    const ground = () => page.evaluate("getComputedStyle(document.body).backgroundColor");
    const light = await ground();
    await page.getByLabel("Colours").selectOption("dark");
    expect(await ground()).not.toBe(light);
    await page.reload();
    await heading(page, "Account").waitFor();
    expect(await ground()).not.toBe(light);
    await page.getByLabel("Language").selectOption("de");
    await heading(page, "Konto").waitFor();
    await screens(page, "account-german");
    await page.getByLabel("Sprache").selectOption("system");
    await heading(page, "Account").waitFor();
  });

  test("signs out, and knows nobody afterwards", async () => {
    const gateway = await site();
    const page = await openPage(await browser());
    await signIn(page, gateway, gateway.admin);
    await page.getByRole("button", { name: "Account admin" }).click();
    await axe(page);
    await page.getByRole("button", { name: "Sign out" }).click();
    await heading(page, "Sign in").waitFor();
    await page.goto(`${gateway.url}/account`);
    await heading(page, "Sign in").waitFor();
    expect(new URL(page.url()).searchParams.get("return")).toBe("/account");
  });

  test("signs out everywhere: a second browser of the same account is out at once", async () => {
    const gateway = await site();
    const [one, two] = [await openPage(await browser()), await openPage(await browser())];
    await signIn(one, gateway, gateway.admin);
    await signIn(two, gateway, gateway.admin, "/keys");
    await fakeApi(one, { "GET /passkeys": [], "GET /identities": [] });
    await one.goto(`${gateway.url}/account`);
    await one.getByRole("button", { name: "Sign out everywhere" }).click();
    await one.getByRole("dialog").getByRole("button", { name: "Sign out everywhere" }).click();
    await heading(one, "Sign in").waitFor();
    // Its event stream ends with the session, so that nobody has to press anything there.
    await heading(two, "Sign in").waitFor();
  });
});
