// One-use links and passkeys in Chromium, with its virtual authenticator, through the gateway's own pages.

import type { CDPSession, Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import { openPage, type Site, site } from "../../support/browser/browser.ts";
import { BROWSER, sharedBrowser } from "../../support/browser/chromium.ts";

const browser = sharedBrowser();
const heading = (page: Page, name: string) => page.getByRole("heading", { level: 1, name });

interface Device {
  readonly session: CDPSession;
  readonly authenticatorId: string;
}

/** A device that keeps passkeys, and whose holder says yes. */
async function withDevice(page: Page): Promise<Device> {
  const session = await page.context().newCDPSession(page);
  await session.send("WebAuthn.enable");
  const { authenticatorId } = await session.send("WebAuthn.addVirtualAuthenticator", {
    options: {
      protocol: "ctap2",
      transport: "internal",
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
    },
  });
  return { session, authenticatorId };
}

async function credentialsOf({ session, authenticatorId }: Device) {
  return (await session.send("WebAuthn.getCredentials", { authenticatorId })).credentials;
}

async function invite(gateway: Site, body: object): Promise<string> {
  const made = await gateway.call("POST", "/invitations", gateway.admin, body);
  expect(made.status).toBe(201);
  return made.body.link;
}

/** Makes the account of an invitation, as a person does. */
async function joined(gateway: Site, name: string) {
  const link = await invite(gateway, { kind: "account", name });
  const page = await openPage(await browser());
  const device = await withDevice(page);
  await page.goto(link);
  await page.getByRole("button", { name: "Make the account" }).click();
  await heading(page, "Workspaces").waitFor();
  return { page, device, link };
}

const cookieOf = async (page: Page) =>
  (await page.context().cookies()).find(({ name }) => name === "__Host-sp_session")?.value;

async function usePasskey(page: Page, gateway: Site): Promise<void> {
  await page.goto(`${gateway.url}/sign-in`);
  await page.getByRole("button", { name: "Use a passkey" }).click();
}

describe.skipIf(BROWSER === undefined)("in a browser", () => {
  test("an invitation makes an account with a passkey, which then signs in without a name", async () => {
    const gateway = await site();
    const { page, device, link } = await joined(gateway, "ada");
    expect(page.url()).not.toContain("spc_");
    const [credential] = await credentialsOf(device);
    expect(credential).toMatchObject({ rpId: "localhost", isResidentCredential: true });
    const { body } = await gateway.call("GET", "/accounts", gateway.admin);
    const ada = body.find((one: { name: string }) => one.name === "ada");
    expect(Buffer.from(credential?.userHandle ?? "", "base64").toString()).toBe(ada.id);
    const first = await cookieOf(page);
    await page.context().clearCookies();
    await usePasskey(page, gateway);
    await heading(page, "Workspaces").waitFor();
    expect(await cookieOf(page)).toMatch(/^spb_/);
    expect(await cookieOf(page)).not.toBe(first);
    // The link is over, in this browser and in every other one.
    const other = await openPage(await browser());
    await other.goto(link);
    await other.getByText("This link was used already").waitFor();
  });

  test("a link that signs in works once, and not in a second browser", async () => {
    const gateway = await site();
    await gateway.account("ada");
    const link = await invite(gateway, { kind: "sign-in", name: "ada" });
    const [first, second] = [await openPage(await browser()), await openPage(await browser())];
    // Both look at it before either uses it.
    for (const page of [first, second]) {
      await page.goto(link);
      await page.getByRole("button", { name: "Sign in as ada" }).waitFor();
    }
    await first.getByRole("button", { name: "Sign in as ada" }).click();
    await heading(first, "Workspaces").waitFor();
    await second.getByRole("button", { name: "Sign in as ada" }).click();
    await second.getByText("This link was used already").first().waitFor();
    expect(await cookieOf(second)).toBeUndefined();
  });

  test("a copied authenticator is noticed as soon as both were used", async () => {
    const gateway = await site();
    const { page, device } = await joined(gateway, "ada");
    const [credential] = await credentialsOf(device);
    if (credential === undefined) throw new Error("the device has no passkey");
    const copy = await openPage(await browser());
    const { session, authenticatorId } = await withDevice(copy);
    await session.send("WebAuthn.addCredential", { authenticatorId, credential });
    await page.context().clearCookies();
    await usePasskey(page, gateway);
    await heading(page, "Workspaces").waitFor();
    await usePasskey(copy, gateway);
    await copy.getByText("This passkey may have been copied").waitFor();
    expect(await cookieOf(copy)).toBeUndefined();
  });

  test("a passkey of a different account is that account's, whoever was signed in before", async () => {
    const gateway = await site();
    const { page } = await joined(gateway, "ada");
    const link = await invite(gateway, { kind: "sign-in", name: "admin" });
    await page.goto(link);
    await page.getByRole("button", { name: "Sign in as admin" }).click();
    await heading(page, "Workspaces").waitFor();
    const who = (): Promise<unknown> =>
      page.evaluate(
        'fetch("/api/v1/session").then((answer) => answer.json()).then(({ account }) => account.name)',
      );
    expect(await who()).toBe("admin");
    await page.context().clearCookies();
    await usePasskey(page, gateway);
    await heading(page, "Workspaces").waitFor();
    expect(await who()).toBe("ada");
  });

  test("a page of a different origin gets no answer that counts here", async () => {
    const gateway = await site();
    const { page } = await joined(gateway, "ada");
    // The same server by a different name: a different origin, to the browser and to the gateway.
    await page.goto(`${gateway.url.replace("localhost", "127.0.0.1")}/sign-in`);
    const outcome: unknown = await page.evaluate(
      `navigator.credentials
        .get({ publicKey: { challenge: new Uint8Array(32), rpId: "localhost", userVerification: "required" } })
        .then(() => "answered", ({ name }) => name)`,
    );
    expect(outcome).toBe("SecurityError");
  });
});
