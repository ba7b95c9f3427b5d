// The pages of what a person has: keys, tokens, devices, shares and activity, in a real browser at a real gateway.

import { describe, expect, test } from "vitest";
import { openPage, screens, signIn, site } from "../../support/browser/browser.ts";
import { BROWSER, sharedBrowser } from "../../support/browser/chromium.ts";

const browser = sharedBrowser();
const KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJqSbUw1JamWFeKZSec3XarbFzU+qD+eGnqjuKUsR8f+";
const PRINT = "SHA256:LnM2GGeszikg2XGfKhH+6XLqrKRewOpPYX6zeBweaq8";

describe.skipIf(BROWSER === undefined)("SSH keys", () => {
  test("are added by pasting, and the page notices by itself that a key was proved", async () => {
    const gateway = await site({ ssh: { host: "127.0.0.1", port: 0 } });
    const ada = await gateway.account("ada");
    const page = await openPage(await browser());
    await signIn(page, gateway, ada.token, "/keys");
    await page.getByRole("heading", { name: "No key yet" }).waitFor();
    await screens(page, "keys-empty");
    await page.getByRole("button", { name: "Add a key" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("textbox", { name: "Public key" }).fill("-----BEGIN OPENSSH PRIVATE KEY-----");
    await dialog.getByText("This is a private key").waitFor();
    expect(await dialog.getByRole("button", { name: "Add" }).isDisabled()).toBe(true);
    await dialog.getByRole("textbox", { name: "Public key" }).fill("ssh-ed25519 nonsense");
    await dialog.getByRole("button", { name: "Add" }).click();
    // The gateway's own words, beside what they are about.
    await dialog.getByRole("alert").or(dialog.locator(".field-error")).first().waitFor();
    await screens(page, "keys-add-refused");
    await dialog.getByRole("textbox", { name: "Public key" }).fill(`${KEY} ada@laptop`);
    await dialog.getByRole("button", { name: "Add" }).click();
    await page.getByRole("heading", { name: "Prove this key: ada@laptop" }).waitFor();
    const [pending] = (await gateway.call("GET", "/keys/pending", ada.token)).body;
    const command = page.getByRole("textbox", { name: "Run this there" });
    expect(await command.inputValue()).toMatch(/^ssh -p \d+ prove\+key@localhost$/);
    expect(await page.getByRole("textbox", { name: "Enter this code when it asks" }).inputValue()).toBe(
      pending.code,
    );
    await screens(page, "keys-pending");
    // What the SSH port does with a right code.
    const identity = await gateway.gateway.store.authenticate(ada.token);
    await gateway.gateway.store.pendingKeys.prove(identity.account.id, pending.id, () => true, {
      account: identity.account.name,
    });
    await page.getByText("The key is proved.").first().waitFor();
    await page.getByRole("rowheader").filter({ hasText: PRINT }).waitFor();
    await page.getByRole("button", { name: "Freeze" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Freeze" }).click();
    await page.getByRole("rowheader").getByText("Frozen").waitFor();
    await screens(page, "keys-frozen");
    await page.getByRole("button", { name: "Unfreeze" }).click();
    await page.getByRole("rowheader").getByText("Frozen").waitFor({ state: "detached" });
    await page.getByRole("button", { name: "Remove" }).click();
    await page.getByRole("dialog").getByText("connections that it opened end at once").waitFor();
    await page.getByRole("dialog").getByRole("button", { name: "Remove" }).click();
    await page.getByRole("heading", { name: "No key yet" }).waitFor();
  });
});

describe.skipIf(BROWSER === undefined)("access tokens", () => {
  test("are made with a scope and an end, shown once, and revoked with what was made by them", async () => {
    const gateway = await site();
    const ada = await gateway.account("ada");
    const page = await openPage(await browser());
    await signIn(page, gateway, ada.token, "/tokens");
    await page.getByRole("button", { name: "Create a token" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("textbox", { name: "What is it for?" }).fill("build machine");
    await dialog.getByRole("checkbox", { name: "See your workspaces and connect to them" }).uncheck();
    await dialog.getByRole("checkbox", { name: "Make machines reachable as your workspaces" }).check();
    // Nobody who is not an administrator is offered that scope.
    expect(await dialog.getByRole("checkbox", { name: "Manage the gateway and all people" }).count()).toBe(0);
    await dialog.getByRole("textbox", { name: "For which workspace?" }).fill("build");
    await screens(page, "tokens-new");
    await dialog.getByRole("button", { name: "Create" }).click();
    const secret = await dialog.getByRole("textbox", { name: "build machine" }).inputValue();
    expect(secret).toMatch(/^spt_/);
    await screens(page, "tokens-secret");
    const listed = (await gateway.call("GET", "/tokens", ada.token)).body;
    const made = listed.find(({ title }: { title: string }) => title === "build machine");
    expect(made).toMatchObject({ scopes: ["host"], workspace: "build", parentId: expect.any(String) });
    const days = (Date.parse(made.expiresAt) - Date.parse(made.createdAt)) / 86_400_000;
    expect(days).toBeCloseTo(30, 1);
    await dialog.getByRole("button", { name: "I have stored it" }).click();
    await dialog.waitFor({ state: "detached" });
    expect(await page.content()).not.toContain(secret);
    await page
      .getByRole("row", { name: /^build machine/ })
      .getByText("For the workspace build")
      .waitFor();
    await screens(page, "tokens");
    await page
      .getByRole("row", { name: /^build machine/ })
      .getByRole("button", { name: "Revoke" })
      .click();
    await dialog.getByRole("button", { name: "Revoke" }).click();
    await page.getByRole("row", { name: /^build machine/ }).waitFor({ state: "detached" });
    expect((await gateway.call("GET", "/me", secret)).status).toBe(401);
  });
});

describe.skipIf(BROWSER === undefined)("signed-in devices", () => {
  test("show this browser and others, and end one, all others, and this one", async () => {
    const gateway = await site();
    const ada = await gateway.account("ada");
    const page = await openPage(await browser());
    const other = await openPage(await browser());
    const third = await openPage(await browser());
    for (const one of [other, third, page]) await signIn(one, gateway, ada.token);
    await page.goto(`${gateway.url}/devices`);
    await page.getByText("this browser").waitFor();
    expect(await page.getByRole("rowheader").count()).toBe(3);
    await screens(page, "devices");
    await page.getByRole("button", { name: "End all others" }).click();
    await page.getByRole("dialog").getByText("Sign-ins that end: 2").waitFor();
    await page.getByRole("dialog").getByRole("button", { name: "End" }).click();
    await expect.poll(() => page.getByRole("rowheader").count()).toBe(1);
    // The others notice by their event stream.
    await other.getByRole("heading", { name: "Sign in" }).waitFor();
    await page.getByRole("row").getByRole("button", { name: "Sign out" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "End" }).click();
    await page.getByRole("heading", { name: "Sign in" }).waitFor();
    expect((await gateway.call("GET", "/sign-ins", ada.token)).body).toEqual([]);
  });
});

describe.skipIf(BROWSER === undefined)("shared workspaces", () => {
  test("are listed in both directions with their end, and left or taken back", async () => {
    const gateway = await site();
    const [ada, bob] = [await gateway.account("ada"), await gateway.account("bob")];
    await gateway.workspace(ada.token, "hers");
    await gateway.workspace(bob.token, "his");
    const expiresAt = new Date(Date.now() + 7 * 86_400_000).toISOString();
    await gateway.call("POST", "/workspaces/hers/shares", ada.token, { account: "bob", expiresAt });
    await gateway.call("POST", "/workspaces/his/shares", bob.token, { account: "ada" });
    const page = await openPage(await browser());
    await signIn(page, gateway, ada.token, "/shares");
    const byMe = page.getByRole("region", { name: "Shared by me" });
    const withMe = page.getByRole("region", { name: "Shared with me" });
    await byMe.getByRole("row", { name: /^hers bob Not accepted yet in [67] days/ }).waitFor();
    await page.getByRole("button", { name: "Accept" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Accept" }).click();
    await withMe.getByRole("row", { name: /^his bob Offline its owner takes it back/ }).waitFor();
    await screens(page, "shares");
    await withMe.getByRole("button", { name: "Leave" }).click();
    await page.getByRole("dialog").getByText("Only bob can share it with you again.").waitFor();
    await page.getByRole("dialog").getByRole("button", { name: "Leave" }).click();
    await withMe.getByText("Nobody shares a workspace with you.").waitFor();
    await byMe.getByRole("button", { name: "Take back" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Take back" }).click();
    await byMe.getByText("You share none.").waitFor();
  });
});

describe.skipIf(BROWSER === undefined)("activity", () => {
  test("tells what happened in words, filters it, and shows older pages", async () => {
    const gateway = await site();
    const ada = await gateway.account("ada");
    await gateway.workspace(ada.token, "box");
    for (let round = 0; round < 60; round++) {
      await gateway.call("PATCH", `/workspaces/${round % 2 === 0 ? "box" : "bax"}`, ada.token, {
        name: round % 2 === 0 ? "bax" : "box",
      });
      await gateway.call("POST", "/keys", ada.token, { publicKey: KEY });
      const [pending] = (await gateway.call("GET", "/keys/pending", ada.token)).body;
      await gateway.call("DELETE", `/keys/${pending.id}`, ada.token);
    }
    const page = await openPage(await browser());
    await signIn(page, gateway, ada.token, "/activity");
    await page.getByRole("rowheader", { name: "Workspace renamed" }).first().waitFor();
    await screens(page, "activity");
    await page.getByRole("button", { name: "Show older entries" }).click();
    await page.getByRole("button", { name: "Show older entries" }).waitFor({ state: "detached" });
    await page.getByRole("combobox", { name: "Kind" }).selectOption("workspace");
    await expect.poll(() => page.url()).toContain("event=workspace");
    await page.getByRole("rowheader", { name: "SSH key removed" }).first().waitFor({ state: "detached" });
    await page.getByRole("rowheader", { name: "Workspace made" }).waitFor();
    await page.goto(`${gateway.url}/activity?to=2020-01-01`);
    await page.getByText("Nothing happened in this time.").waitFor();
  });
});
