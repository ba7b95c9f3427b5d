// From beginning to end: sign in, click, agree, work in the workspace, remove everything again.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parseWorkspaceId } from "../../../protocol/values/id.ts";
import { parseWorkspaceRef } from "../../../protocol/values/name.ts";
import { newAccessToken } from "../../../protocol/values/token.ts";
import { Editor } from "../harness/editor.ts";
import { emptyHome, MANAGED, makeKey, readConfig, SSH, writeConfig } from "../harness/home.ts";
import { RemoteWindow, ssh } from "../harness/remote-ssh.ts";
import { expectHandOff, SETTINGS, signIn } from "../harness/steps.ts";
import type { Workbench } from "../harness/workbench.ts";
import { GATEWAY_URL, type Host, type Person, World } from "../harness/world.ts";

/** A person's own config, with CRLF line ends, settings for every host, and no line end at its end. */
const OWN_CONFIG =
  "# my servers\r\nHost *\r\n\tServerAliveInterval 5\r\n\tUser somebody\r\n\r\nHost old\r\n\tPort 2200";
const ALIAS = "api.sallyport.example";

let world: World;
let ana: Person;
let api: Host;
let editor: Editor;
let window: Workbench;

beforeAll(async () => {
  emptyHome();
  writeConfig(OWN_CONFIG);
  world = await World.start();
  ana = await world.person("ana");
  const bo = await world.person("bo");
  await ana.register(makeKey("id_ed25519"));
  api = await world.host(ana, "api");
  await world.host(ana, "training");
  await world.host(bo, "design");
  await bo.api.share(parseWorkspaceRef("design"), ana.name);
  for (const { id } of await ana.api.sharedWithMe()) await ana.api.acceptShare(parseWorkspaceId(id));
  const retired = await world.host(ana, "retired");
  await retired.program.stop();
  editor = await Editor.start({ settings: SETTINGS });
  window = await editor.openWindow();
});

afterAll(async () => {
  await editor?.stop();
  await world?.[Symbol.asyncDispose]();
});

test("signed out, the sidebar says how to sign in", async () => {
  await window.openSidebar();
  await window.sidebar.getByRole("button", { name: "Sign In" }).waitFor();
  await window.screenshot("welcome");
});

test("a token that the gateway does not know is refused before it is kept, and never shown", async () => {
  await window.press("Sign In", window.sidebar);
  await window.type(GATEWAY_URL);
  await window.choose("Paste an access token");
  await window.quickInputTitled("2/2");
  expect(await window.quickInput.getAttribute("type")).toBe("password");
  await window.type(newAccessToken());
  await window.page
    .locator(".quick-input-message")
    .filter({ hasText: "does not know this access token" })
    .waitFor();
  await window.screenshot("sign-in-refused");
  await window.page.keyboard.press("Escape");
});

test("after signing in the tree lists the workspaces, with their state in words", async () => {
  await signIn(window, ana.token);
  await window.row(/^api, online/).waitFor();
  await window.row(/^training, online/).waitFor();
  await window.row(/^design\.bo, online/).waitFor();
  await window.row(/1 workspaces? offline/).waitFor();
  await window.screenshot("workspaces");
});

test("a click asks for consent to the one line, with a diff, and hands the alias to Remote-SSH", async () => {
  await window.row(/^api, online/).click();
  await window.dialog.getByText("~/.ssh/sallyport/config").first().waitFor();
  await window.screenshot("consent");
  expect(readConfig()?.toString()).toBe(OWN_CONFIG);
  await window.press("Compare Side by Side");
  await window.quickInputTitled("Let Sallyport add one line");
  const changed = window.page.locator(".monaco-diff-editor .modified .view-lines");
  await changed.getByText("Include ~/.ssh/sallyport/config").waitFor();
  await changed.click();
  await window.screenshot("consent-compared");
  // Closing the list is not an answer.
  await window.choices.filter({ hasText: "Add the Line" }).waitFor();
  await window.quickInput.press("Escape");
  await window.press("Compare Side by Side");
  expect(readConfig()?.toString()).toBe(OWN_CONFIG);
  await window.choose("Add the Line");
  await expectHandOff(window, editor, ALIAS);
  expect(readConfig()?.toString().endsWith(OWN_CONFIG)).toBe(true);
  expect(readConfig()?.toString()).toContain("Include ~/.ssh/sallyport/config\r\n");
});

test("the alias opens the workspace from any terminal, by the pinned key, without a question", async () => {
  const { stdout, stderr } = await ssh([ALIAS, "pwd; touch from-a-terminal"]);
  expect(stderr).toBe("");
  expect(stdout.trim()).toBe("/root");
  expect(existsSync(join(api.home, "from-a-terminal"))).toBe(true);
});

test("as Remote-SSH uses it, the alias carries a VS Code in which a file is edited and a command run", async () => {
  mkdirSync(join(api.home, "project"));
  writeFileSync(join(api.home, "project", "hello.txt"), "");
  await using remote = await RemoteWindow.open(ALIAS, { folder: "project" });
  const { workbench } = remote;
  await workbench.row("hello.txt").dblclick();
  await workbench.page.locator(".monaco-editor .view-line").first().click();
  await workbench.page.keyboard.type("written in the workspace");
  await workbench.page.keyboard.press("Control+s");
  await expect
    .poll(() => readIfThere(join(api.home, "project", "hello.txt")))
    .toBe("written in the workspace");
  await workbench.command("Terminal: Create New Terminal");
  await workbench.page.locator(".xterm-helper-textarea").first().waitFor();
  await workbench.page.locator(".terminal-wrapper.active .xterm").first().click();
  await workbench.page.keyboard.type("cp hello.txt copied.txt; echo $SSH_CONNECTION\n");
  await expect
    .poll(() => readIfThere(join(api.home, "project", "copied.txt")))
    .toBe("written in the workspace");
  await workbench.screenshot("remote-window");
  expect(remote.connected).toBe(true);
});

test("removing gives the person their file back byte for byte, and leaves nothing else", async () => {
  await window.command("Sallyport: Remove SSH Configuration");
  await window.dialog.waitFor();
  await window.screenshot("remove");
  await window.press("Remove");
  await expect.poll(() => readConfig()?.toString()).toBe(OWN_CONFIG);
  await expect.poll(() => existsSync(MANAGED)).toBe(false);
  const { stdout } = await ssh(["-G", ALIAS]);
  expect(stdout).toContain(`hostname ${ALIAS}\n`);
  expect(existsSync(join(SSH, "id_ed25519"))).toBe(true);
});

function readIfThere(path: string): string {
  return existsSync(path) ? readFileSync(path, "utf8") : "";
}
