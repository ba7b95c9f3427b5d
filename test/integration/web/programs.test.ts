// The command line signs in through the gateway's own pages, in a real browser: by the browser on the same machine, and by the
// code of a device.

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { describe, expect, onTestFinished, test } from "vitest";
import { openPage, signIn, site } from "../../support/browser/browser.ts";
import { BROWSER, sharedBrowser } from "../../support/browser/chromium.ts";
import { Person } from "../../support/cli.ts";

const browser = sharedBrowser();
const heading = (page: Page, name: string) => page.getByRole("heading", { level: 1, name });

/** A person whose browser only notes what it is given. */
function personWithBrowser() {
  const person = new Person();
  onTestFinished(() => person.close());
  const [program, note] = [join(person.home, "browser"), join(person.home, "opened")];
  writeFileSync(program, `#!/bin/sh\nprintf '%s' "$1" >'${note}.new' && mv '${note}.new' '${note}'\n`, {
    mode: 0o755,
  });
  person.env.BROWSER = program;
  const opened = () => (existsSync(note) ? readFileSync(note, "utf8") : "");
  return { person, opened };
}

describe.skipIf(BROWSER === undefined)("the command line", () => {
  test("is allowed in by the consent page, with what the person leaves it", async () => {
    const gateway = await site();
    const page = await openPage(await browser());
    await signIn(page, gateway, gateway.admin);
    const { person, opened } = personWithBrowser();
    const login = person.start(["login", gateway.url, "--browser"]);
    await expect.poll(opened).toContain("/oauth/authorize?");
    await page.goto(opened());
    await page.getByText("The command line sallyport asks to act for you at this gateway.").waitFor();
    await page.getByLabel("Manage your SSH keys").uncheck();
    await page.getByRole("button", { name: "Allow" }).click();
    const { code, stdout } = await login.finished;
    expect(code).toBe(0);
    expect(stdout).toContain(`Signed in at ${gateway.url} as admin.`);
    expect(stdout).not.toContain("account");
    // The command line's own page, on this machine.
    expect(new URL(page.url()).hostname).toBe("127.0.0.1");
    await page.goto(`${gateway.url}/devices`);
    await page.getByRole("row", { name: /sallyport/ }).waitFor();
    expect(await person.run(["list", "--json"])).toMatchObject({ code: 0, stdout: '{"workspaces":[]}\n' });
  });

  test("is told when the person refuses", async () => {
    const gateway = await site();
    const page = await openPage(await browser());
    await signIn(page, gateway, gateway.admin);
    const { person, opened } = personWithBrowser();
    const login = person.start(["login", gateway.url, "--browser"]);
    await expect.poll(opened).toContain("/oauth/authorize?");
    await page.goto(opened());
    await page.getByRole("button", { name: "Cancel" }).click();
    expect((await login.finished).code).not.toBe(0);
    expect(await gateway.call("GET", "/sign-ins", gateway.admin)).toMatchObject({
      body: [expect.objectContaining({ kind: "browser" })],
    });
  });

  test("is allowed in by its code, on a machine without a browser", async () => {
    const gateway = await site();
    const page = await openPage(await browser());
    await signIn(page, gateway, gateway.admin);
    const { person } = personWithBrowser();
    const login = person.start(["login", gateway.url, "--device", "--json"]);
    let printed = "";
    login.child.stdout?.on("data", (part: string) => {
      printed += part;
    });
    await login.seen("device-code");
    await expect.poll(() => /"[A-Z]{4}-[A-Z]{4}"/.exec(printed)?.[0]).toBeDefined();
    const userCode = /"([A-Z]{4}-[A-Z]{4})"/.exec(printed)?.[1] ?? "";
    await page.goto(`${gateway.url}/device`);
    await page.getByLabel("Code").fill(userCode.replace("-", "").toLowerCase());
    await page.getByRole("button", { name: "Continue" }).click();
    await page.getByText("127.0.0.1").waitFor();
    await page.getByRole("button", { name: "Allow" }).click();
    await heading(page, "Done").waitFor();
    expect(await login.finished).toMatchObject({ code: 0, stdout: expect.stringContaining("signed-in") });
  });
});
