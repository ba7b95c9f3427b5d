// A workspace's page in a real browser at a real gateway: the ways to connect, host keys, who is connected, and what changes
// or ends the workspace.

import { once } from "node:events";
import { describe, expect, test } from "vitest";
import { dialTunnel } from "../../../agent/client/tunnel/tunnel.ts";
import { parseGatewayUrl, SUBPROTOCOL } from "../../../protocol/values/gateway-url.ts";
import { parseWorkspaceRef } from "../../../protocol/values/name.ts";
import { parsePublicKey } from "../../../protocol/values/ssh-public-key.ts";
import { acceptedShare } from "../../support/accepted-share.ts";
import { openPage, screens, signIn, site } from "../../support/browser/browser.ts";
import { BROWSER, sharedBrowser } from "../../support/browser/chromium.ts";
import { hostDirectory, webHost } from "../../support/browser/web-host.ts";

const browser = sharedBrowser();
const SSH = { ssh: { host: "127.0.0.1", port: 0 } };

describe.skipIf(BROWSER === undefined)("the ways to connect", () => {
  test("have the gateway's real addresses, by tabs that a keyboard reaches", async () => {
    const gateway = await site(SSH);
    const ada = await gateway.account("ada");
    await webHost(gateway, ada.token, "devbox");
    const { ssh, hostKeys } = (await gateway.raw("GET", "/.well-known/sallyport")).body;
    const page = await openPage(await browser());
    await signIn(page, gateway, ada.token, "/workspaces/devbox");
    await page.getByRole("tab", { name: "VS Code" }).focus();
    expect(await page.getByRole("link", { name: "Open in VS Code" }).getAttribute("href")).toBe(
      `vscode://sallyport.sallyport/connect?gateway=${encodeURIComponent(gateway.url)}&workspace=devbox`,
    );
    await page.getByRole("button", { name: "Other editors" }).click();
    expect(await page.getByRole("button", { name: /^Open in/ }).allTextContents()).toEqual([
      "Open in VS Code Insiders",
      "Open in VSCodium",
      "Open in Cursor",
      "Open in Windsurf",
    ]);
    await page.keyboard.press("Escape");
    await screens(page, "connect-editor");
    await page.getByRole("tab", { name: "VS Code" }).focus();
    await page.keyboard.press("ArrowRight");
    await expect.poll(() => page.url()).toContain("connect=ssh");
    const field = (label: string | RegExp) => page.getByRole("textbox", { name: label }).inputValue();
    expect(await field("End to end: the gateway can't read it")).toBe(`ssh -J localhost:${ssh.port} devbox`);
    expect(await field("By the gateway, which connects you on")).toBe(`ssh -p ${ssh.port} devbox@localhost`);
    await page.getByText("You have no key here yet.").waitFor();
    await page.getByText("The gateway's host keys, for known_hosts").click();
    const [type = "", blob = ""] = String(hostKeys[0]).split(" ");
    expect(await field(type)).toBe(`[localhost]:${ssh.port} ${type} ${blob}`);
    await screens(page, "connect-ssh");
    await page.getByRole("tab", { name: "Command line" }).click();
    expect(await field("Sign in, once")).toBe(`sallyport login ${gateway.url}`);
    expect(await field("Open a terminal")).toBe("sallyport ssh devbox");
    // This gateway has no downloads.
    expect(await page.getByRole("textbox", { name: /^Install it/ }).count()).toBe(0);
    await screens(page, "connect-command-line");
  });

  test("without SSH at the gateway, and for somebody else's workspace, are only those that work", async () => {
    const gateway = await site();
    const ada = await gateway.account("ada");
    await webHost(gateway, ada.token, "devbox");
    const page = await openPage(await browser());
    await signIn(page, gateway, ada.token, "/workspaces/devbox");
    await page.getByRole("tab", { name: "VS Code" }).waitFor();
    expect(await page.getByRole("tab").allTextContents()).toEqual(["VS Code", "Command line"]);
  });

  test("an owner token is made for a time, shown once, listed and revoked", async () => {
    const gateway = await site(SSH);
    const ada = await gateway.account("ada");
    await gateway.workspace(ada.token, "devbox");
    const page = await openPage(await browser());
    await signIn(page, gateway, ada.token, "/workspaces/devbox?connect=token");
    await page.getByRole("combobox", { name: "Valid for" }).selectOption("1");
    await page.getByRole("button", { name: "Create an owner token" }).click();
    const secret = await page.getByRole("textbox", { name: "Owner token", exact: true }).inputValue();
    expect(secret).toMatch(/^spo_/);
    await page.getByText("In one line, without a prompt").click();
    await page.getByText("it stays in the shell's history").waitFor();
    expect(await page.getByRole("textbox", { name: "Command with the token" }).inputValue()).toMatch(
      new RegExp(`^ssh -p \\d+ 'devbox#${secret}@localhost'$`),
    );
    await screens(page, "connect-token-made");
    const [info] = (await gateway.call("GET", "/workspaces/devbox/owner-tokens", ada.token)).body;
    expect(Date.parse(info.expiresAt) - Date.parse(info.createdAt)).toBe(3_600_000);
    await page.getByRole("button", { name: "I have stored it" }).click();
    expect(await page.content()).not.toContain(secret);
    await page
      .getByRole("row", { name: /^just now in 1 hour/ })
      .getByRole("button", { name: "Revoke" })
      .click();
    await page.getByRole("dialog").getByText("Connections that it opened end at once.").waitFor();
    await page.getByRole("dialog").getByRole("button", { name: "Revoke" }).click();
    await page.getByText("No owner token opens it now.").waitFor();
    expect((await gateway.call("GET", "/workspaces/devbox/owner-tokens", ada.token)).body).toEqual([]);
  });
});

describe.skipIf(BROWSER === undefined)("a workspace's page", () => {
  test("shows the fingerprints that ssh-keygen prints", async () => {
    const gateway = await site();
    const ada = await gateway.account("ada");
    await webHost(gateway, ada.token, "devbox");
    const { hostKeys } = (await gateway.call("GET", "/workspaces/devbox", ada.token)).body;
    const page = await openPage(await browser());
    await signIn(page, gateway, ada.token, "/workspaces/devbox");
    for (const key of hostKeys) await page.getByText(parsePublicKey(key).fingerprint).waitFor();
  });

  test("renames, freezes, unfreezes and deletes, and says what ends", async () => {
    const gateway = await site();
    const ada = await gateway.account("ada");
    await webHost(gateway, ada.token, "devbox");
    const page = await openPage(await browser());
    await signIn(page, gateway, ada.token, "/workspaces/devbox");
    await page.getByRole("button", { name: "Rename" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("textbox", { name: "New name" }).fill("no good");
    await dialog.getByRole("button", { name: "Rename" }).click();
    await dialog.locator(".field-error, .notice").first().waitFor();
    await dialog.getByRole("textbox", { name: "New name" }).fill("new-box");
    await dialog.getByRole("button", { name: "Rename" }).click();
    await page.getByRole("heading", { level: 1, name: "new-box" }).waitFor();
    expect(page.url()).toBe(`${gateway.url}/workspaces/new-box`);
    await page.getByRole("button", { name: "Freeze" }).click();
    await dialog.getByText("are cut off at once").waitFor();
    await dialog.getByRole("button", { name: "Freeze" }).click();
    await page.getByText("This workspace is frozen.").waitFor();
    await screens(page, "workspace-frozen");
    await page.getByRole("button", { name: "Unfreeze" }).click();
    await page.getByText("This workspace is frozen.").waitFor({ state: "detached" });
    await page.getByRole("button", { name: "Delete" }).click();
    await dialog.getByText("All connections, shares and owner tokens of it end at once").waitFor();
    const confirm = dialog.getByRole("button", { name: "Delete" });
    expect(await confirm.isDisabled()).toBe(true);
    await dialog.getByRole("textbox").fill("new-bo");
    expect(await confirm.isDisabled()).toBe(true);
    await dialog.getByRole("textbox").fill("new-box");
    await screens(page, "workspace-delete");
    await confirm.click();
    await page.getByRole("heading", { name: "Connect your first machine" }).waitFor();
    expect((await gateway.call("GET", "/workspaces", ada.token)).body).toEqual([]);
  });

  test("shares with an account until a time", async () => {
    const gateway = await site();
    const ada = await gateway.account("ada");
    await gateway.account("bob");
    await gateway.workspace(ada.token, "devbox");
    const page = await openPage(await browser());
    await signIn(page, gateway, ada.token, "/workspaces/devbox");
    await page.getByRole("button", { name: "Share with an account" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("textbox", { name: "Account" }).fill("nobody-here");
    await dialog.getByRole("button", { name: "Share" }).click();
    await dialog.getByText("There is no account nobody-here.").waitFor();
    await dialog.getByRole("textbox", { name: "Account" }).fill("bob");
    await dialog.getByRole("combobox", { name: "Until" }).selectOption("7");
    await screens(page, "workspace-share");
    await dialog.getByRole("button", { name: "Share" }).click();
    await page.getByRole("row", { name: /^bob Not accepted yet in [67] days/ }).waitFor();
    const [share] = (await gateway.call("GET", "/workspaces/devbox/shares", ada.token)).body;
    expect(Date.parse(share.expiresAt) - Date.now()).toBeGreaterThan(6.9 * 86_400_000);
  });

  test("shows who is connected while they are, and ends a connection", async () => {
    const gateway = await site();
    const [ada, bob] = [await gateway.account("ada"), await gateway.account("bob")];
    await webHost(gateway, ada.token, "devbox");
    const { store } = gateway.gateway;
    const [workspace] = await store.workspaces.list((await store.authenticate(ada.token)).account.id);
    if (workspace === undefined) throw new Error("it is there");
    await acceptedShare(store, workspace, "bob");
    const page = await openPage(await browser());
    await signIn(page, gateway, ada.token, "/workspaces/devbox");
    await page.getByText("Nobody is connected.").waitFor();
    const target = {
      gateway: parseGatewayUrl(gateway.url),
      workspace: parseWorkspaceRef("devbox.ada"),
      token: bob.token,
    };
    const tunnel = await dialTunnel(target, [SUBPROTOCOL.raw], AbortSignal.timeout(20_000));
    const closed = once(tunnel, "close");
    tunnel.resume();
    const row = page.getByRole("row", { name: /^bob/ });
    await row.getByText("Over HTTPS, end to end").waitFor();
    await row.getByText("127.0.0.1").waitFor();
    await screens(page, "workspace-connected");
    await row.getByRole("button", { name: "End" }).click();
    await page.getByRole("dialog").getByText("Terminals and editors in it are cut off.").waitFor();
    await page.getByRole("dialog").getByRole("button", { name: "End" }).click();
    await closed;
    await page.getByText("Nobody is connected.").waitFor();
  });

  test("holds a changed host key until the owner decides", async () => {
    const gateway = await site();
    const ada = await gateway.account("ada");
    const first = await webHost(gateway, ada.token, "devbox");
    await first.stop();
    const page = await openPage(await browser());
    await signIn(page, gateway, ada.token, "/workspaces/devbox");
    const second = webHost(gateway, ada.token, "devbox", hostDirectory());
    await page.getByText("The host key of devbox has changed.").waitFor();
    await screens(page, "workspace-held-key");
    await page.getByRole("button", { name: "Accept" }).click();
    await page.getByRole("dialog").getByText("somebody may be impersonating the machine").waitFor();
    await page.getByRole("dialog").getByRole("button", { name: "Accept" }).click();
    await second;
    await page.getByText("The host key of devbox has changed.").waitFor({ state: "detached" });
    await page.locator(".page-title").getByText("Online").waitFor();
  });
});
