// The frame around the pages: navigation, focus, and what people without a session get to see.

import { describe, expect, test } from "vitest";
import { axe, openPage, screens, signIn, site } from "../../support/browser/browser.ts";
import { BROWSER, sharedBrowser } from "../../support/browser/chromium.ts";

const browser = sharedBrowser();

describe.skipIf(BROWSER === undefined)("the dashboard's frame", () => {
  test("leads through the pages by links, without loading the document again", async () => {
    const gateway = await site();
    const page = await openPage(await browser());
    await signIn(page, gateway, gateway.admin);
    await page.evaluate("window.mark = 1");
    await page.getByRole("link", { name: "SSH keys" }).click();
    await page.getByRole("heading", { level: 1, name: "SSH keys" }).waitFor();
    expect(await page.title()).toBe("SSH keys · Sallyport");
    expect(await page.evaluate("document.activeElement.tagName")).toBe("H1");
    await page.goBack();
    await page.getByRole("heading", { level: 1, name: "Workspaces" }).waitFor();
    expect(await page.evaluate("window.mark")).toBe(1);
    await screens(page, "frame");
  });

  test("shows administration to administrators only", async () => {
    const gateway = await site();
    const { token } = await gateway.account("ada");
    const page = await openPage(await browser());
    await signIn(page, gateway, token);
    expect(await page.getByRole("link", { name: "People" }).count()).toBe(0);
    await axe(page);
  });
});
