// The list of workspaces in a real browser at a real gateway: live, filtered, with offers, and from none to the first by the
// guide.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { CLI } from "../../../scripts/repository.ts";
import { openPage, screens, signIn, site } from "../../support/browser/browser.ts";
import { BROWSER, sharedBrowser } from "../../support/browser/chromium.ts";
import { webHost } from "../../support/browser/web-host.ts";
import { writeRelease } from "../../support/offered-release.ts";
import { findProgram } from "../../support/programs/find-program.ts";
import { temporaryDirectory } from "../../support/test-gateway.ts";

const browser = sharedBrowser();
/** The longest that there is. */
const LONG = "a-workspace-with-a-name-of-forty-letters";

describe.skipIf(BROWSER === undefined)("the list of workspaces", () => {
  test("shows what comes online, goes offline and disappears, without loading anything again", async () => {
    const gateway = await site();
    const ada = await gateway.account("ada");
    await gateway.workspace(ada.token, LONG);
    const page = await openPage(await browser());
    await signIn(page, gateway, ada.token);
    const row = (name: string) => page.getByRole("row").filter({ has: page.getByRole("link", { name }) });
    await row(LONG).getByText("Offline").waitFor();
    const host = await webHost(gateway, ada.token, "devbox");
    await row("devbox").getByText("Online").waitFor();
    await page.getByRole("status").filter({ hasText: "devbox is online." }).waitFor({ state: "attached" });
    expect(await page.getByRole("link", { name: "Open devbox in VS Code" }).getAttribute("href")).toBe(
      `vscode://sallyport.sallyport/connect?gateway=${encodeURIComponent(gateway.url)}&workspace=devbox`,
    );
    // Online ones come first.
    expect(await page.getByRole("rowheader").allTextContents()).toEqual(["devbox", LONG]);
    await screens(page, "workspaces");
    await host.stop();
    await row("devbox").getByText("Offline").waitFor();
    await gateway.call("DELETE", "/workspaces/devbox", ada.token);
    await row("devbox").waitFor({ state: "detached" });
  });

  test("filters by name and owner, and keeps filter and order in the address", async () => {
    const gateway = await site();
    const ada = await gateway.account("ada");
    for (const name of ["alpha", "beta", "gamma"]) await gateway.workspace(ada.token, name);
    const page = await openPage(await browser());
    await signIn(page, gateway, ada.token, "/?filter=eta");
    await page.getByRole("paragraph").filter({ hasText: "1 of 3" }).waitFor();
    expect(await page.getByRole("rowheader").allTextContents()).toEqual(["beta"]);
    await page.getByRole("searchbox").fill("mma");
    await page.getByRole("rowheader", { name: "gamma" }).waitFor();
    await expect.poll(() => page.url()).toContain("filter=mma");
    await page.getByRole("combobox", { name: "Order" }).selectOption("name");
    await expect.poll(() => page.url()).toContain("order=name");
    await page.getByRole("searchbox").fill("nothing like it");
    await page.getByText("No workspace has this in its name.").waitFor();
  });

  test("leads from nothing to a workspace that is online by one line, and says so by itself", async () => {
    const gateway = await site();
    const ada = await gateway.account("ada");
    const page = await openPage(await browser());
    await signIn(page, gateway, ada.token);
    await page.getByRole("heading", { name: "Connect your first machine" }).waitFor();
    await screens(page, "workspaces-empty");
    await page.getByRole("textbox", { name: "Name of the workspace" }).fill("first-box");
    await page.keyboard.press("Enter");
    const line = await page.getByRole("textbox", { name: /^Run this on the machine/ }).inputValue();
    let token = /SALLYPORT_TOKEN=(spt_\w+)/.exec(line)?.[1] ?? "";
    expect(line).toBe(
      `SALLYPORT_GATEWAY=${gateway.url} SALLYPORT_TOKEN=${token} sallyport host --name first-box`,
    );
    await page.getByText("Waiting until first-box is online …").waitFor();
    await screens(page, "workspaces-waiting");
    // Whoever cancels gives the token up.
    await page.getByRole("button", { name: "Cancel" }).click();
    await page.getByRole("button", { name: "Create the command" }).click();
    const second = await page.getByRole("textbox", { name: /^Run this on the machine/ }).inputValue();
    expect((await gateway.call("GET", "/workspaces", token)).body.code).toBe("token_revoked");
    token = /SALLYPORT_TOKEN=(spt_\w+)/.exec(second)?.[1] ?? "";
    // The token can register this workspace and do nothing else.
    expect((await gateway.call("GET", "/workspaces", token)).body.code).toBe("scope_missing");
    await expect(webHost(gateway, token, "other-box")).rejects.toThrow();
    await webHost(gateway, token, "first-box");
    await page.getByText("It stays so for as long as the command runs.").waitFor();
    expect(await page.content()).not.toContain(token);
    await screens(page, "workspaces-first-online");
    await page.getByRole("link", { name: "Connect to first-box" }).click();
    await page.getByRole("heading", { level: 1, name: "first-box" }).waitFor();
  });

  test.skipIf(findProgram("curl", []) === undefined)(
    "the line of a gateway with downloads installs and starts a host when a shell runs it as it is",
    async () => {
      const directory = temporaryDirectory();
      const program = `#!/bin/sh
if [ "$1" = version ]; then echo 1.2.3; exit; fi
exec '${process.execPath}' '${CLI}' "$@"
`;
      writeRelease(join(directory, "release"), "1.2.3", {}, program);
      const gateway = await site({ downloads: join(directory, "release") });
      const ada = await gateway.account("ada");
      const page = await openPage(await browser());
      await signIn(page, gateway, ada.token);
      await page.getByRole("button", { name: "Create the command" }).click();
      const line = await page.getByRole("textbox", { name: "Run this on the machine" }).inputValue();
      expect(line).toMatch(
        /^curl -fsSL \S+\/install\.sh \| SALLYPORT_TOKEN=\S+ sh -s -- host --name devbox$/,
      );
      const shell = spawn("sh", ["-c", line], {
        env: {
          PATH: process.env.PATH ?? "",
          HOME: directory,
          SALLYPORT_HOME: join(directory, "programs"),
          SALLYPORT_BIN: join(directory, "bin"),
        },
        detached: true,
        stdio: ["ignore", "pipe", "pipe"],
      });
      const ended = once(shell, "close");
      onTestFinished(async () => {
        if (shell.exitCode === null && shell.pid !== undefined) process.kill(-shell.pid, "SIGTERM");
        await ended;
      });
      await page.getByText("It stays so for as long as the command runs.").waitFor();
    },
  );

  test("offers of other people come by themselves, and are accepted or declined", async () => {
    const gateway = await site();
    const [ada, bob] = [await gateway.account("ada"), await gateway.account("bob")];
    await gateway.workspace(bob.token, "bobs-box");
    await gateway.workspace(bob.token, "bobs-other-box");
    await gateway.workspace(ada.token, "own");
    const page = await openPage(await browser());
    await signIn(page, gateway, ada.token);
    await page.getByRole("link", { name: "own" }).waitFor();
    for (const name of ["bobs-box", "bobs-other-box"]) {
      await gateway.call("POST", `/workspaces/${name}/shares`, bob.token, { account: "ada" });
    }
    const offer = (name: string) => page.locator(".notice").filter({ hasText: `the workspace ${name}.` });
    await offer("bobs-box").waitFor();
    await screens(page, "workspaces-offers");
    await offer("bobs-other-box").getByRole("button", { name: "Decline" }).click();
    await offer("bobs-other-box").waitFor({ state: "detached" });
    await offer("bobs-box").getByRole("button", { name: "Accept" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText("what you open there runs on their machine").waitFor();
    await dialog.getByRole("button", { name: "Accept" }).click();
    await page.getByRole("rowheader").filter({ hasText: "bobs-box of bob" }).waitFor();
    await page.getByRole("link", { name: "bobs-box", exact: true }).click();
    await expect.poll(() => page.url()).toBe(`${gateway.url}/workspaces/bobs-box.bob`);
  });

  test("two people see the same workspace each in their own browser, and one of them loses it", async () => {
    const gateway = await site();
    const [ada, bob] = [await gateway.account("ada"), await gateway.account("bob")];
    await webHost(gateway, ada.token, "devbox");
    await gateway.call("POST", "/workspaces/devbox/shares", ada.token, { account: "bob" });
    const [hers, his] = [await openPage(await browser()), await openPage(await browser())];
    await signIn(hers, gateway, ada.token, "/workspaces/devbox");
    await signIn(his, gateway, bob.token);
    await his.getByRole("button", { name: "Accept" }).click();
    await his.getByRole("dialog").getByRole("button", { name: "Accept" }).click();
    await his.getByRole("link", { name: "devbox", exact: true }).click();
    await his.getByText("Shared with you by ada").waitFor();
    // He can neither rename nor share it.
    expect(await his.getByRole("button", { name: "Rename" }).count()).toBe(0);
    await screens(his, "workspace-shared");
    await hers.getByRole("row", { name: /bob/ }).getByText("Has access").waitFor();
    await hers.getByRole("button", { name: "Take back" }).click();
    await hers.getByText("What bob has open there ends at once.").waitFor();
    await hers.getByRole("dialog").getByRole("button", { name: "Take back" }).click();
    await his.getByText("This workspace was deleted, or is no longer shared with you.").waitFor();
    await hers.getByText("Only you reach this workspace.").waitFor();
  });
});
