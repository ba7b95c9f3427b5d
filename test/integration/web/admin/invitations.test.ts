// Invitations in a browser: an administrator makes a link, sees it once, and withdraws it.

import { describe, expect, test } from "vitest";
import { openPage, screens, signIn, site } from "../../../support/browser/browser.ts";
import { BROWSER, sharedBrowser } from "../../../support/browser/chromium.ts";

const browser = sharedBrowser();

describe.skipIf(BROWSER === undefined)("invitations", () => {
  test("are made, shown once, listed and withdrawn", async () => {
    const gateway = await site();
    const page = await openPage(await browser());
    await signIn(page, gateway, gateway.admin, "/admin/invitations");
    await page.getByText("No invitation is open").waitFor();
    await screens(page, "invitations-empty");
    await page.getByRole("button", { name: "New invitation" }).first().click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Name of the account (may stay empty)").fill("Not A Name");
    await dialog.getByRole("button", { name: "Make the link" }).click();
    await dialog.locator('[aria-invalid="true"]').or(dialog.getByRole("alert")).first().waitFor();
    await dialog.getByLabel("Name of the account (may stay empty)").fill("carol");
    await screens(page, "invitation-new");
    await dialog.getByRole("button", { name: "Make the link" }).click();
    const field = dialog.getByLabel("Link", { exact: true });
    await field.waitFor();
    const link = await field.inputValue();
    expect(link).toMatch(new RegExp(`^${gateway.url}/welcome#`));
    await screens(page, "invitation-made");
    await dialog.getByRole("button", { name: "I have stored it" }).click();
    await page.getByRole("row", { name: /A new account.*carol/ }).waitFor();
    expect(await page.content()).not.toContain(link.split("#")[1]);
    await screens(page, "invitations");
    await page.getByRole("button", { name: "Withdraw the invitation: carol" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Withdraw" }).click();
    await page.getByText("No invitation is open").waitFor();
  });
});
