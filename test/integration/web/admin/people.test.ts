// People in a browser: what an administrator sees of them, and what they take away. A second browser is the person's own.

import { describe, expect, test } from "vitest";
import { openPage, screens, signIn, site } from "../../../support/browser/browser.ts";
import { BROWSER, sharedBrowser } from "../../../support/browser/chromium.ts";

const browser = sharedBrowser();

describe.skipIf(BROWSER === undefined)("people", () => {
  test("are listed, found by name, and shown in detail", async () => {
    const gateway = await site();
    const ana = await gateway.account("ana");
    await gateway.account("ben");
    await gateway.workspace(ana.token, "box");
    const page = await openPage(await browser());
    await signIn(page, gateway, gateway.admin, "/admin/people");
    await page.getByRole("row", { name: /ben/ }).waitFor();
    await screens(page, "people");
    await page.getByLabel("Filter by name or identity").fill("AN");
    await expect.poll(() => page.getByRole("row", { name: /ben/ }).count()).toBe(0);
    await page.waitForURL(/filter=AN/);
    await page.getByRole("link", { name: "ana" }).click();
    await page.getByRole("heading", { level: 1, name: "ana" }).waitFor();
    await page.getByRole("link", { name: "Workspaces: 1" }).waitFor();
    await screens(page, "person");
    await page.goBack();
    await page.getByRole("heading", { level: 1, name: "People" }).waitFor();
    expect(await page.getByLabel("Filter by name or identity").inputValue()).toBe("AN");
  });

  test("who are frozen are signed out in their own browser within a second, which says so", async () => {
    const gateway = await site();
    const ana = await gateway.account("ana");
    const own = await openPage(await browser());
    await signIn(own, gateway, ana.token);
    // What follows changes must be there before.
    await own.getByRole("heading", { level: 1, name: "Workspaces" }).waitFor();
    const page = await openPage(await browser());
    await signIn(page, gateway, gateway.admin, `/admin/people?person=${ana.id}`);
    await page.getByRole("button", { name: "Freeze ana" }).click();
    const dialog = page.getByRole("dialog", { name: "Freeze ana?" });
    await dialog.waitFor();
    await screens(page, "person-freeze");
    const seen = own
      .getByText("You were signed out: this sign-in was ended.")
      .waitFor()
      .then(() => Date.now());
    const answered = page
      .waitForResponse((response) => response.url().endsWith("/freeze"))
      .then(() => Date.now());
    await dialog.getByRole("button", { name: "Freeze ana" }).click();
    expect((await seen) - (await answered)).toBeLessThan(1_000);
    await screens(own, "signed-out");
    expect((await gateway.call("GET", "/me", ana.token)).status).toBe(403);
    await page.getByRole("button", { name: "Unfreeze ana" }).click();
    await page.getByRole("heading", { name: "Freeze ana" }).waitFor();
    expect((await gateway.call("GET", "/me", ana.token)).status).toBe(200);
  });

  test("get a role and an access token, and a sign-in of theirs ends, by the keyboard alone", async () => {
    const gateway = await site();
    const ana = await gateway.account("ana");
    const own = await openPage(await browser());
    await signIn(own, gateway, ana.token);
    await own.getByRole("heading", { level: 1, name: "Workspaces" }).waitFor();
    const page = await openPage(await browser());
    await signIn(page, gateway, gateway.admin, `/admin/people?person=${ana.id}`);
    /** Goes on with the Tab key until the button has the focus. */
    const press = async (name: string): Promise<void> => {
      const button = page.getByRole("button", { name, exact: true }).last();
      await button.waitFor();
      for (let at = 0; at < 60; at++) {
        if (await button.evaluate((element) => element.matches(":focus")))
          return await page.keyboard.press("Enter");
        await page.keyboard.press("Tab");
      }
      throw new Error(`The Tab key does not lead to ${name}.`);
    };
    await press("End the sign-in of Chrome on Linux");
    await press("End");
    await own.getByText("You were signed out: this sign-in was ended.").waitFor();
    await page.getByText("Signed in nowhere.").waitFor();

    await press("Make an administrator");
    await page.getByRole("dialog", { name: "Make ana an administrator?" }).waitFor();
    await press("Make an administrator");
    await page.getByRole("button", { name: "Make a member" }).waitFor();
    expect((await gateway.call("GET", `/people/${ana.id}`, gateway.admin)).body.admin).toBe(true);

    await press("Make an access token");
    await page.getByLabel("What it is for").waitFor();
    await page.keyboard.type("First sign-in");
    await press("Make an access token");
    const field = page.getByRole("dialog").getByLabel("Access token", { exact: true });
    await field.waitFor();
    const secret = await field.inputValue();
    expect((await gateway.call("GET", "/me", secret)).body.account.name).toBe("ana");
    await press("I have stored it");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    expect(await page.content()).not.toContain(secret);
  });
});
