// The settings page: the options of the running gateway, none of them a secret.

import { describe, expect, test } from "vitest";
import { openPage, screens, signIn, site } from "../../../support/browser/browser.ts";
import { BROWSER, sharedBrowser } from "../../../support/browser/chromium.ts";

const browser = sharedBrowser();

describe.skipIf(BROWSER === undefined)("settings", () => {
  test("are shown in English and in German", async () => {
    const settings = [
      { option: "--public-url", value: "http://localhost", summary: "The URL that clients use." },
      { option: "--tls-key", value: null, summary: "<script>alert(1)</script>" },
    ];
    const gateway = await site({ settings });
    const page = await openPage(await browser());
    await signIn(page, gateway, gateway.admin, "/admin/settings");
    await page.getByRole("heading", { level: 1, name: "Settings" }).waitFor();
    await page.getByRole("row", { name: /--public-url http:\/\/localhost The URL/ }).waitFor();
    await page.getByText("<script>alert(1)</script>").waitFor();
    await screens(page, "settings");
    expect(await page.locator("main").innerText()).not.toContain(gateway.admin);
    await page.evaluate("localStorage.setItem('sallyport-language', 'de')");
    await page.reload();
    await page.getByRole("heading", { level: 1, name: "Einstellungen" }).waitFor();
    for (const path of ["people", "workspaces", "audit", "health", "providers", "invitations"]) {
      await page.goto(`${gateway.url}/admin/${path}`);
      await page
        .getByRole("navigation", { name: "Übersicht" })
        .or(page.getByRole("navigation"))
        .first()
        .waitFor();
    }
  });
});
