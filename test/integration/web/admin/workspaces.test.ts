// All workspaces in a browser: an administrator finds them, freezes, unfreezes and deletes those of others.

import { describe, expect, test } from "vitest";
import { openPage, screens, signIn, site } from "../../../support/browser/browser.ts";
import { BROWSER, sharedBrowser } from "../../../support/browser/chromium.ts";

const browser = sharedBrowser();

describe.skipIf(BROWSER === undefined)("all workspaces", () => {
  test("are filtered, frozen, unfrozen and deleted", async () => {
    const gateway = await site();
    const ana = await gateway.account("ana");
    const ben = await gateway.account("ben");
    await gateway.workspace(ana.token, "box");
    await gateway.workspace(ana.token, "tower");
    await gateway.workspace(ben.token, "box");
    const page = await openPage(await browser());
    await signIn(page, gateway, gateway.admin, "/admin/workspaces");
    const box = page.getByRole("row", { name: /^box ana/ });
    await box.waitFor();
    await screens(page, "all-workspaces");
    await page.getByLabel("Filter by name or owner").fill("ana box");
    await expect.poll(() => page.getByRole("rowheader").count()).toBe(1);

    const choose = async (action: string): Promise<void> => {
      await page.getByRole("button", { name: "More: box of ana" }).click();
      await page.getByRole("button", { name: action, exact: true }).click();
    };
    await choose("Freeze");
    await page.getByRole("dialog", { name: "Freeze box?" }).getByRole("button", { name: "Freeze" }).click();
    await box.getByText("Frozen").waitFor();
    const own = await gateway.call("GET", "/workspaces/box", ana.token);
    expect(own.body.frozen).toBe(true);
    expect((await gateway.call("GET", "/workspaces/box", ben.token)).body.frozen).toBeUndefined();
    await page.getByLabel("Show").selectOption("online");
    await page.getByText("No workspace matches.").waitFor();
    await page.getByLabel("Show").selectOption("frozen");
    await choose("Unfreeze");
    await page
      .getByRole("dialog", { name: "Unfreeze box?" })
      .getByRole("button", { name: "Unfreeze" })
      .click();
    await page.getByText("No workspace matches.").waitFor();
    await page.getByLabel("Show").selectOption("all");

    await choose("Delete");
    const dialog = page.getByRole("dialog", { name: "Delete box of ana?" });
    await screens(page, "workspace-delete");
    expect(await dialog.getByRole("button", { name: "Delete" }).isDisabled()).toBe(true);
    await dialog.getByLabel("Type box to confirm").fill("box");
    await dialog.getByRole("button", { name: "Delete" }).click();
    await page.getByText("No workspace matches.").waitFor();
    expect((await gateway.call("GET", "/workspaces/box", ana.token)).status).toBe(404);
    expect((await gateway.call("GET", "/workspaces/box", ben.token)).status).toBe(200);
  });

  test("of somebody else are not for people who are not administrators", async () => {
    const gateway = await site();
    const ana = await gateway.account("ana");
    const ben = await gateway.account("ben");
    const workspace = await gateway.workspace(ana.token, "box");
    for (const [method, path] of [
      ["POST", `/workspaces/${workspace.id}/freeze`],
      ["DELETE", `/workspaces/${workspace.id}`],
    ] as const) {
      expect((await gateway.call(method, path, ben.token)).status).toBe(404);
    }
    const page = await openPage(await browser());
    await signIn(page, gateway, ben.token, "/admin/workspaces");
    await page.getByText("This page is for administrators of this gateway, and ben is not one.").waitFor();
    await screens(page, "not-an-administrator");
  });
});
