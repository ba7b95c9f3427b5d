// Texts that others choose are shown as text, however they look, and opening a page changes nothing (holes 5 and 12 of other
// products: markup in names and error pages; links that do something).

import { randomBytes } from "node:crypto";
import type { Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import { acceptedShare } from "../../support/accepted-share.ts";
import { openPage, type Site, screens, signIn, site } from "../../support/browser/browser.ts";
import { BROWSER, sharedBrowser } from "../../support/browser/chromium.ts";

const browser = sharedBrowser();
const HOSTILE = [
  "<script>document.title='hit'</script>",
  "<img src=x onerror=document.title='hit'>",
  "{{constructor.constructor('alert(1)')()}}",
  "שלום עולם مرحبا",
  "W".repeat(100),
  "javascript:document.title='hit'",
];

/** A key that nobody has. */
function someKey(): string {
  const string = (bytes: Buffer): Buffer => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    return Buffer.concat([length, bytes]);
  };
  const blob = Buffer.concat([string(Buffer.from("ssh-ed25519")), string(randomBytes(32))]);
  return `ssh-ed25519 ${blob.toString("base64")}`;
}

async function provedKey(gateway: Site, token: string, title: string): Promise<void> {
  const { body } = await gateway.call("POST", "/keys", token, { publicKey: someKey(), title });
  const { account } = await gateway.gateway.store.authenticate(token);
  await gateway.gateway.store.pendingKeys.prove(account.id, body.id, () => true, { account: account.name });
}

async function shows(page: Page, text: string): Promise<void> {
  await page.getByText(text, { exact: true }).first().waitFor();
  expect(await page.title()).not.toContain("hit");
}

describe.skipIf(BROWSER === undefined)("texts that others choose", () => {
  test("titles of keys and tokens and names of devices are shown as text", async () => {
    const gateway = await site();
    const ada = await gateway.account("ada");
    for (const title of HOSTILE) {
      await provedKey(gateway, ada.token, title);
      await gateway.call("POST", "/tokens", ada.token, { title, scopes: ["connect"] });
    }
    await gateway.call("POST", "/keys", ada.token, { publicKey: someKey(), title: HOSTILE[0] });
    const agent = "Mozilla/5.0 (<script>document.title='hit'</script>; X) Chrome/1 Firefox/<b>2</b>";
    const page = await openPage(await browser(), { userAgent: agent });
    await signIn(page, gateway, ada.token, "/keys");
    for (const title of HOSTILE) await shows(page, title);
    await screens(page, "hostile-keys");
    await page.goto(`${gateway.url}/tokens`);
    for (const title of HOSTILE) await shows(page, title);
    await screens(page, "hostile-tokens");
    await page.goto(`${gateway.url}/devices`);
    await page.getByText("this browser").waitFor();
    await screens(page, "hostile-devices");
    await page.goto(`${gateway.url}/activity`);
    await page.getByRole("rowheader").first().waitFor();
    await screens(page, "hostile-activity");
    expect(await page.locator("main script, main img, main b").count()).toBe(0);
  });

  test("an address with markup is a page that is not found, and a workspace that there is not", async () => {
    const gateway = await site();
    const ada = await gateway.account("ada");
    const page = await openPage(await browser());
    await signIn(page, gateway, ada.token);
    for (const path of [
      "/workspaces/%3Cscript%3Ealert(1)%3C%2Fscript%3E",
      "/workspaces/%22%3E%3Cimg%20src%3Dx%3E?connect=%3Cscript%3E&filter=%3Cimg%3E",
    ]) {
      await page.goto(`${gateway.url}${path}`);
      await page.getByText(/There is no such workspace|There is no page at this address/).waitFor();
      expect(await page.locator("main script, main img").count()).toBe(0);
    }
    await gateway.workspace(ada.token, "box");
    await page.goto(
      `${gateway.url}/?filter=${encodeURIComponent("<img src=x onerror=alert(1)>")}&order=%3Cb%3E`,
    );
    await page.getByText("No workspace has this in its name.").waitFor();
    expect(await page.locator("main img, main b").count()).toBe(0);
  });

  test("a hundred keys and names of forty letters stay readable", async () => {
    const gateway = await site();
    const [ada, bob] = [await gateway.account("ada"), await gateway.account(`b${"o".repeat(38)}b`)];
    const long = `w${"x".repeat(38)}w`;
    for (let index = 0; index < 100; index++) await provedKey(gateway, ada.token, `key number ${index}`);
    await gateway.workspace(bob.token, long);
    const identity = await gateway.gateway.store.authenticate(bob.token);
    const [workspace] = await gateway.gateway.store.workspaces.list(identity.account.id);
    if (workspace === undefined) throw new Error("it is there");
    await acceptedShare(gateway.gateway.store, workspace, "ada");
    const page = await openPage(await browser());
    await signIn(page, gateway, ada.token);
    await page.getByRole("link", { name: long }).waitFor();
    await screens(page, "long-names");
    await page.getByRole("link", { name: long }).click();
    await page.getByText(`Shared with you by ${bob.name}`).waitFor();
    await screens(page, "long-names-workspace");
    await page.goto(`${gateway.url}/keys`);
    await page.getByText("key number 99").waitFor();
    expect(await page.getByRole("rowheader").count()).toBe(100);
    await screens(page, "hundred-keys");
  });
});

describe.skipIf(BROWSER === undefined)("opening a page", () => {
  test("changes nothing, whatever its address asks for", async () => {
    const gateway = await site();
    const ada = await gateway.account("ada");
    await gateway.account("bob");
    await gateway.workspace(ada.token, "box");
    const page = await openPage(await browser());
    await signIn(page, gateway, ada.token);
    const unsafe: string[] = [];
    page.on("request", (request) => {
      if (request.method() !== "GET") unsafe.push(`${request.method()} ${request.url()}`);
    });
    for (const path of [
      "/?name=x&create=1&add=1",
      "/workspaces/box?connect=token&expiresIn=1&account=bob&share=bob&name=other&delete=1&freeze=1",
      `/keys?publicKey=${encodeURIComponent(someKey())}&add=1&source=github&user=x`,
      "/tokens?title=x&scopes=account&create=1&revoke=all",
      "/devices?end=all",
      "/shares?accept=all&leave=box&account=bob",
      "/activity?event=key",
    ]) {
      await page.goto(`${gateway.url}${path}`, { waitUntil: "networkidle" }).catch(() => undefined);
      await page.getByRole("heading", { level: 1 }).waitFor();
      await page.getByRole("main").getByText("Loading…").waitFor({ state: "detached" });
    }
    expect(unsafe).toEqual([]);
    expect((await gateway.call("GET", "/workspaces/box/shares", ada.token)).body).toEqual([]);
    expect((await gateway.call("GET", "/keys/pending", ada.token)).body).toEqual([]);
    expect((await gateway.call("GET", "/tokens", ada.token)).body).toHaveLength(1);
  });
});
