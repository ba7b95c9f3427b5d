// The page for devices without a browser: the person compares or types the code, sees who asks, and decides.

import type { Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import { openPage, screens, signIn, site } from "../../support/browser/browser.ts";
import { BROWSER, sharedBrowser } from "../../support/browser/chromium.ts";
import { fakeApi } from "../../support/browser/fake-api.ts";

const browser = sharedBrowser();
const ago = (seconds: number) => new Date(Date.now() - seconds * 1_000).toISOString();
const PROMPT = {
  client: "sallyport-cli",
  device: "sallyport 0.1.0 on build-server",
  scopes: ["connect", "host"],
  address: "203.0.113.7",
  createdAt: ago(200),
  expiresAt: ago(-400),
};
const heading = (page: Page, name: string) => page.getByRole("heading", { level: 1, name });

describe.skipIf(BROWSER === undefined)("the page for devices", () => {
  test("takes a code as people type it, shows who asks, and allows", async () => {
    const gateway = await site();
    const page = await openPage(await browser());
    await signIn(page, gateway, gateway.admin);
    const asked = await fakeApi(page, {
      "POST /device-codes/prompt": PROMPT,
      "POST /device-codes": undefined,
    });
    await page.goto(`${gateway.url}/device`);
    await page.getByLabel("Code").fill("hello");
    await page.keyboard.press("Enter");
    await page.getByText("A code has eight letters").waitFor();
    await screens(page, "device-type");
    expect(asked).toEqual([]);
    await page.getByLabel("Code").fill(" bcdf ghjk");
    await page.keyboard.press("Enter");
    await page.getByText("203.0.113.7").waitFor();
    expect(asked[0]?.body).toEqual({ userCode: "BCDF-GHJK" });
    const facts = await page.locator("dl").innerText();
    for (const fact of ["BCDF-GHJK", PROMPT.device, "3 minutes ago", "admin"]) expect(facts).toContain(fact);
    await screens(page, "device-decide");
    await page.getByLabel("Make machines reachable").uncheck();
    await page.getByRole("button", { name: "Allow" }).click();
    await heading(page, "Done").waitFor();
    await page.getByText("The device is signed in.").waitFor();
    expect(asked[1]?.body).toEqual({ userCode: "BCDF-GHJK", allow: true, scopes: ["connect"] });
  });

  test("asks whether a code from the address is the device's own, before it looks it up", async () => {
    const gateway = await site();
    const page = await openPage(await browser());
    await signIn(page, gateway, gateway.admin);
    const asked = await fakeApi(page, {
      "POST /device-codes/prompt": PROMPT,
      "POST /device-codes": undefined,
    });
    await page.goto(`${gateway.url}/device?user_code=BCDF-GHJK`);
    await page.getByText("Does your device show exactly this code?").waitFor();
    expect(asked).toEqual([]);
    await screens(page, "device-compare");
    await page.getByRole("button", { name: "Yes, the same code" }).click();
    await page.getByRole("button", { name: "Refuse" }).click();
    await page.getByText("The device was refused.").waitFor();
    expect(asked.at(-1)?.body).toEqual({ userCode: "BCDF-GHJK", allow: false });
  });

  test("lets people say no to a code that somebody sent them", async () => {
    const gateway = await site();
    const page = await openPage(await browser());
    await signIn(page, gateway, gateway.admin);
    const asked = await fakeApi(page, { "POST /device-codes/prompt": PROMPT });
    await page.goto(`${gateway.url}/device?user_code=BCDF-GHJK`);
    await page.getByRole("button", { name: "No", exact: true }).click();
    expect(await page.getByLabel("Code").inputValue()).toBe("");
    expect(asked).toEqual([]);
  });

  test("says that a code is unknown or over", async () => {
    const gateway = await site();
    const page = await openPage(await browser());
    await signIn(page, gateway, gateway.admin);
    const message = "This code is unknown or has expired: ask the device for a new one.";
    await fakeApi(page, {
      "POST /device-codes/prompt": { status: 404, code: "not_found", message, field: "userCode" },
    });
    await page.goto(`${gateway.url}/device`);
    await page.getByLabel("Code").fill("BCDFGHJK");
    await page.keyboard.press("Enter");
    await page.getByText(message).waitFor();
    expect(await page.getByLabel("Code").getAttribute("aria-invalid")).toBe("true");
  });
});
