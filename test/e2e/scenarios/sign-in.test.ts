// Signing in without a token. A page cannot send its answer to an editor that runs in a browser itself, so this one offers a code
// instead. The sign-in is in the store that all programs share: ssh's tunnel and the command line use it, too.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parseTokenId } from "../../../protocol/values/id.ts";
import { TOKEN_PATTERN } from "../../../protocol/values/token.ts";
import { Editor } from "../harness/editor.ts";
import { emptyHome, makeKey } from "../harness/home.ts";
import { ssh } from "../harness/remote-ssh.ts";
import { connectByClick, log, SETTINGS } from "../harness/steps.ts";
import type { Workbench } from "../harness/workbench.ts";
import { GATEWAY_URL, type Person, World } from "../harness/world.ts";
import { HOME } from "../setup/enclosure.ts";

const TOKENS = join(HOME, ".config", "sallyport", "tokens");

let world: World;
let ana: Person;
let editor: Editor;
let window: Workbench;
let second: Workbench;
/** The browser in which the person is at the gateway: on this machine or on a phone. */
let page: Page;

beforeAll(async () => {
  emptyHome();
  world = await World.start();
  ana = await world.person("ana");
  await ana.register(makeKey("id_ed25519"));
  await world.host(ana, "api");
  editor = await Editor.start({ settings: SETTINGS });
  window = await editor.openWindow();
  // Chromium does not ask the system which authorities it trusts.
  page = await editor.otherBrowser({ ignoreHTTPSErrors: true });
});

afterAll(async () => {
  await editor?.stop();
  await world?.[Symbol.asyncDispose]();
});

test("an editor in a browser offers a code and a token, and nothing that would not work", async () => {
  await window.openSidebar();
  await window.press("Sign In", window.sidebar);
  await window.type(GATEWAY_URL);
  await window.quickInputTitled("How do you want to sign in?");
  await window.choices.filter({ hasText: "Enter a code on a web page" }).waitFor();
  await window.screenshot("sign-in-methods");
  expect(await window.choices.allInnerTexts()).toEqual([
    expect.stringContaining("Enter a code on a web page"),
    expect.stringContaining("Paste an access token"),
  ]);
});

test("the code is shown and copied alone, and once it is entered on the page the tree is there", async () => {
  await window.choose("Enter a code on a web page");
  await window.quickInputTitled("2/2");
  const shown = (await window.quickInput.getAttribute("placeholder")) ?? "";
  const [, code = ""] =
    /^Enter ([A-Z]{4}-[A-Z]{4}) at https:\/\/sallyport\.example\/device$/.exec(shown) ?? [];
  expect(code, shown).not.toBe("");
  await window.screenshot("sign-in-code");
  await window.choices
    .filter({ hasText: new RegExp(`^Copy ${code}(?! and)`) })
    .last()
    .click();
  await expect.poll(() => window.clipboard()).toBe(code);

  await page.goto(`${GATEWAY_URL}/sign-in`);
  await page.evaluate(async (token) => {
    const headers = { "content-type": "application/json" };
    await fetch("/api/v1/session/token", { method: "POST", headers, body: JSON.stringify({ token }) });
  }, ana.token);
  await page.goto(`${GATEWAY_URL}/device`);
  await page.getByLabel("Code").fill(code.toLowerCase());
  await page.getByRole("button", { name: "Continue" }).click();
  await page.getByRole("button", { name: "Allow" }).click();
  await page.getByText("The device is signed in").waitFor();

  await window.notification("Signed in at").waitFor();
  await window.row(/^api, online/).waitFor();
  await window.screenshot("signed-in");
});

test("nothing secret of it is in the editor's own files or its log", async () => {
  const [file = ""] = readdirSync(TOKENS);
  const secrets = readFileSync(join(TOKENS, file), "utf8").match(TOKEN_PATTERN) ?? [];
  expect(secrets).toHaveLength(2);
  expect(log(editor)).toContain("Signed in at https://sallyport.example as ana");
  for (const entry of readdirSync(editor.userData, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const text = readFileSync(join(entry.parentPath, entry.name), "latin1");
    for (const secret of secrets) expect(text.includes(secret), entry.name).toBe(false);
  }
});

test("a click connects: ssh's tunnel finds the sign-in in the store", async () => {
  await connectByClick(window, editor, "api", { shown: true });
  expect(await ssh(["api.sallyport.example", "echo in"])).toMatchObject({ code: 0, stdout: "in\n" });
});

test("an answer to a sign-in that nobody began changes nothing and says nothing", async () => {
  await editor.show(window);
  await window.openSidebar();
  await window.row(/^api, online/).waitFor();
  const state = "A".repeat(43);
  const iss = encodeURIComponent(GATEWAY_URL);
  await window.openLink(`vscode://sallyport.sallyport/signed-in?code=x&state=${state}&iss=${iss}`);
  await expect.poll(() => log(editor)).toContain("that no window waits for");
  expect(log(editor)).not.toContain(state);
  expect(await window.page.locator(".notification-list-item").count()).toBe(0);
  await window.row(/^api, online/).waitFor();
});

test("a sign-in that is ended is told in every window", async () => {
  second = await editor.openWindow();
  await second.openSidebar();
  await second.row(/^api, online/).waitFor();
  const before = readFileSync(join(TOKENS, readdirSync(TOKENS)[0] ?? ""), "utf8");
  expect(JSON.parse(before)).toMatchObject({ client: "sallyport-vscode" });

  await ana.api.revokeToken(parseTokenId(JSON.parse(before).signIn));
  await Promise.all([window, second].map((one) => one.heldNotification(/was revoked|has ended/)));
  for (const one of [window, second]) await one.row("Signed out: sign in again").waitFor();
  await window.screenshot("sign-in-ended");
});
