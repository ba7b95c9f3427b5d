// One-use links: nothing happens before a button is pressed, and the code is nowhere to be read.

import type { Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import { axe, openPage, screens, signIn, site } from "../../support/browser/browser.ts";
import { BROWSER, sharedBrowser } from "../../support/browser/chromium.ts";
import { fakeApi, sessionOf } from "../../support/browser/fake-api.ts";

const browser = sharedBrowser();
const CODE = "spl_Q2hhbmdlZEJ5VGVzdA";
/** The gateway does not know the session that a test makes up: its refusal would end the page's. */
const NO_EVENTS = { status: 503, code: "shutting_down" };

/** Nobody is signed in until `call` is made. */
function signedInBy(call: string, name: string) {
  let isSignedIn = false;
  return {
    [call]: () => {
      isSignedIn = true;
      return sessionOf(name);
    },
    "GET /session": () => (isSignedIn ? sessionOf(name) : { status: 401, code: "unauthenticated" }),
    "GET /events": NO_EVENTS,
  };
}

const INVITATION = {
  kind: "sign-in",
  name: "ada",
  createdBy: "admin",
  expiresAt: new Date(Date.now() + 3_600_000 * 2 + 60_000).toISOString(),
};
const heading = (page: Page, name: string) => page.getByRole("heading", { level: 1, name });

/** A device that keeps passkeys, and says yes. */
async function withPasskeys(page: Page): Promise<void> {
  const session = await page.context().newCDPSession(page);
  await session.send("WebAuthn.enable");
  await session.send("WebAuthn.addVirtualAuthenticator", {
    options: {
      protocol: "ctap2",
      transport: "internal",
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
    },
  });
}

describe.skipIf(BROWSER === undefined)("a one-use link", () => {
  test("signs in only when the button is pressed, and leaves no code in the address", async () => {
    const gateway = await site();
    const page = await openPage(await browser());
    const asked = await fakeApi(page, {
      "POST /invitations/open": INVITATION,
      ...signedInBy("POST /session/link", "ada"),
    });
    await page.goto(`${gateway.url}/welcome#${CODE}`);
    const button = page.getByRole("button", { name: "Sign in as ada" });
    await button.waitFor();
    expect(page.url()).toBe(`${gateway.url}/welcome`);
    expect(await page.content()).not.toContain(CODE);
    expect(asked.filter(({ call }) => call.startsWith("POST"))).toEqual([
      { call: "POST /invitations/open", body: { code: CODE } },
    ]);
    await screens(page, "welcome-sign-in");
    await button.click();
    await heading(page, "Workspaces").waitFor();
    expect(asked.find(({ call }) => call === "POST /session/link")?.body).toEqual({ code: CODE });
    await page.goBack();
    await page.waitForURL((url) => url.pathname !== "/");
    expect(page.url()).not.toContain(CODE);
  });

  test("warns people who are signed in as somebody else", async () => {
    const gateway = await site();
    const page = await openPage(await browser());
    await signIn(page, gateway, gateway.admin);
    await fakeApi(page, { "POST /invitations/open": INVITATION });
    await page.goto(`${gateway.url}/welcome#${CODE}`);
    await page.getByText("You are signed in as admin in this browser.").waitFor();
    await page.getByRole("button", { name: "Sign in as ada" }).waitFor();
  });

  test("makes an account with a passkey", async () => {
    const gateway = await site();
    const page = await openPage(await browser());
    await withPasskeys(page);
    const asked = await fakeApi(page, {
      "POST /invitations/open": { ...INVITATION, kind: "account", name: null },
      "POST /invitations/accept/options": {
        options: {
          rp: { id: "localhost", name: "Sallyport" },
          user: { id: "YWRh", name: "ada", displayName: "ada" },
          challenge: "Y2hhbGxlbmdl",
          pubKeyCredParams: [{ type: "public-key", alg: -7 }],
          authenticatorSelection: { residentKey: "required", userVerification: "required" },
        },
      },
      ...signedInBy("POST /invitations/accept", "ada"),
    });
    await page.goto(`${gateway.url}/welcome#${CODE}`);
    await page.getByLabel("Name").fill("ada");
    await screens(page, "welcome-account");
    await page.getByRole("button", { name: "Make the account" }).click();
    await heading(page, "Workspaces").waitFor();
    const accepted = asked.find(({ call }) => call === "POST /invitations/accept")?.body;
    expect(accepted).toEqual({
      title: "First passkey",
      response: expect.objectContaining({ type: "public-key" }),
    });
    expect(asked.find(({ call }) => call.endsWith("/options"))?.body).toEqual({ name: "ada" });
  });

  test("lets a provider open the account, with the invitation that was opened", async () => {
    const gateway = await site();
    const page = await openPage(await browser());
    await fakeApi(page, {
      "POST /invitations/open": { ...INVITATION, kind: "identity" },
      "GET /sign-in-methods": {
        providers: [{ id: "corp", kind: "oidc", label: "Example Corp" }],
        passkeys: true,
        cookies: true,
        deviceCodes: true,
      },
    });
    await page.goto(`${gateway.url}/welcome#${CODE}`);
    const link = page.getByRole("link", { name: "Continue with Example Corp" });
    await link.waitFor();
    expect(await link.getAttribute("href")).toBe("/sign-in/start/corp?return=%2F&purpose=invitation");
    await axe(page);
  });

  test("shows what others wrote as text", async () => {
    const gateway = await site();
    const page = await openPage(await browser());
    const createdBy = "<svg onload=document.title='taken'><script>document.title='taken'</script>";
    await fakeApi(page, { "POST /invitations/open": { ...INVITATION, createdBy } });
    await page.goto(`${gateway.url}/welcome#${CODE}`);
    await page.getByText(createdBy).waitFor();
    expect(await page.title()).toBe("Welcome · Sallyport");
  });

  test("says that a used link is over, and asks for one where there is none", async () => {
    const gateway = await site();
    const page = await openPage(await browser());
    await fakeApi(page, {
      "POST /invitations/open": {
        status: 404,
        code: "not_found",
        message: "This link was used, or is too old.",
      },
    });
    await page.goto(`${gateway.url}/welcome#${CODE}`);
    await page.getByText("This link was used, or is too old.").waitFor();
    await page.goto(`${gateway.url}/welcome`);
    await page.getByText("This page belongs to a link that works once.").waitFor();
    await screens(page, "welcome-none");
  });

  test("lets somebody who signed in by a provider choose a name", async () => {
    const gateway = await site();
    const page = await openPage(await browser());
    let named = false;
    const asked = await fakeApi(page, {
      "GET /session/name": { provider: "corp", display: "Ada <Lovelace>", suggestion: "ada" },
      "POST /session/name": (body: unknown) => {
        if (Object(body).name === "taken") {
          return { status: 409, code: "name_taken", message: "The name taken is taken.", field: "name" };
        }
        named = true;
        return sessionOf("ada2");
      },
      "GET /session": () => (named ? sessionOf("ada2") : { status: 401, code: "unauthenticated" }),
      "GET /events": NO_EVENTS,
    });
    await page.goto(`${gateway.url}/welcome/name`);
    await page.getByText("You signed in as Ada <Lovelace>").waitFor();
    await screens(page, "choose-name");
    expect(await page.getByLabel("Name").inputValue()).toBe("ada");
    await page.getByLabel("Name").fill("taken");
    await page.keyboard.press("Enter");
    await page.getByText("The name taken is taken.").waitFor();
    await page.getByLabel("Name").fill("ada2");
    await page.keyboard.press("Enter");
    await heading(page, "Workspaces").waitFor();
    expect(asked.filter(({ call }) => call === "POST /session/name").at(-1)?.body).toEqual({ name: "ada2" });
  });
});
