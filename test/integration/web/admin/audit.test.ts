// The audit log in a browser: filters are in the address, the back button takes them back, new entries come, and all of it can
// be saved. Nothing in an entry or an address becomes markup.

import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { openPage, screens, signIn, site } from "../../../support/browser/browser.ts";
import { BROWSER, sharedBrowser } from "../../../support/browser/chromium.ts";
import { fakeApi } from "../../../support/browser/fake-api.ts";

const browser = sharedBrowser();

describe.skipIf(BROWSER === undefined)("the audit log", () => {
  test("is filtered by its address, step by step back too", async () => {
    const gateway = await site();
    const ana = await gateway.account("ana");
    await gateway.account("ben");
    await gateway.workspace(ana.token, "box");
    const page = await openPage(await browser());
    await signIn(page, gateway, gateway.admin, "/admin/audit");
    await page.getByRole("row", { name: /Workspace made/ }).waitFor();
    await screens(page, "audit");
    await page.getByLabel("Kind").selectOption("workspace");
    await page.waitForURL(/\?event=workspace$/);
    await expect.poll(() => page.getByRole("row", { name: /Account made/ }).count()).toBe(0);
    await page.getByLabel("Account", { exact: true }).fill("ben");
    await page.waitForURL(/event=workspace&account=ben/);
    await page.getByText("No entry matches.").waitFor();
    await page.goBack();
    await page.getByRole("row", { name: /Workspace made/ }).waitFor();
    expect(await page.getByLabel("Account", { exact: true }).inputValue()).toBe("");
    await page.goBack();
    await page
      .getByRole("row", { name: /Account made/ })
      .first()
      .waitFor();
    expect(await page.getByLabel("Kind").inputValue()).toBe("");
    await page.goForward();
    await page.getByRole("row", { name: /Workspace made/ }).waitFor();
    // A value in an entry filters by it.
    await page
      .getByRole("row", { name: /Workspace made/ })
      .getByRole("link", { name: "ana" })
      .click();
    await page.waitForURL(/event=workspace&account=ana/);
  });

  test("shows entries as they come, and saves what the filter leaves", async () => {
    const gateway = await site();
    const page = await openPage(await browser());
    await signIn(page, gateway, gateway.admin, "/admin/audit?event=account&follow=1");
    await page.getByText("No entry matches.").or(page.getByRole("row").first()).first().waitFor();
    await gateway.account("newcomer");
    await page
      .getByRole("row", { name: /Account made/ })
      .getByText("newcomer")
      .waitFor();
    const saving = page.waitForEvent("download");
    await page.getByRole("button", { name: "Export as NDJSON" }).click();
    const lines = (await readFile(await (await saving).path(), "utf8")).trimEnd().split("\n");
    const events = lines.map((line) => JSON.parse(line).event);
    expect(events.length).toBeGreaterThan(0);
    expect(events.every((event: string) => event.startsWith("account"))).toBe(true);
  });

  test("takes nothing from an address or an entry but text", async () => {
    const gateway = await site();
    const evil = `<img src=x onerror="window.evil=1"><script>window.evil=1</script>`;
    const page = await openPage(await browser());
    await signIn(page, gateway, gateway.admin);
    const asked = await fakeApi(page, {
      "GET /audit": [
        {
          id: "1",
          time: "2026-12-01T12:00:00.000Z",
          event: evil,
          account: evil,
          workspace: evil,
          address: evil,
          token: evil,
          key: evil,
          code: evil,
          bytesIn: 1,
          bytesOut: 2,
          durationMs: 3,
          detail: evil,
        },
      ],
    });
    const query = new URLSearchParams({
      event: evil,
      account: evil,
      workspace: evil,
      address: evil,
      code: evil,
      from: evil,
    });
    await page.goto(`${gateway.url}/admin/audit?${query}`);
    await page.getByRole("link", { name: evil }).first().waitFor();
    await page.getByText("Names have a-z, 0-9 and hyphens.").waitFor();
    await screens(page, "audit-evil");
    expect(await page.evaluate("window.evil")).toBeUndefined();
    expect(await page.locator("main script, main img").count()).toBe(0);
    expect(asked.length).toBeGreaterThan(0);
    // The gateway is asked with nothing that it could not take.
    const urls = await page.evaluate(
      "performance.getEntriesByType('resource').map(({ name }) => name).filter((name) => name.includes('/audit?'))",
    );
    expect(urls).toEqual([`${gateway.url}/api/v1/audit?limit=200`]);
  });
});
