// What a host names: connect URLs, the folder to open, and the page for a browser.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Editor } from "../harness/editor.ts";
import { emptyHome, makeKey, SSH } from "../harness/home.ts";
import { ssh } from "../harness/remote-ssh.ts";
import { expectHandOff, log, SETTINGS, signIn } from "../harness/steps.ts";
import type { Workbench } from "../harness/workbench.ts";
import { GATEWAY_URL, type Host, type Person, World } from "../harness/world.ts";

/** Exists on both sides, so that the next page has something to show. */
const FOLDER = "/usr/share";
/** Nothing listens there: it is enough that the browser asks for it. */
const PAGE = `${GATEWAY_URL}:9/app?x=1`;

let world: World;
let ana: Person;
let api: Host;
let other: Host;
let editor: Editor;
let window: Workbench;

beforeAll(async () => {
  emptyHome();
  world = await World.start();
  ana = await world.person("ana");
  await ana.register(makeKey("id_ed25519"));
  api = await world.host(ana, "api", ["--folder", FOLDER, "--browser-url", PAGE]);
  other = await world.host(ana, "other");
  editor = await Editor.start({ settings: SETTINGS });
  window = await editor.openWindow();
  await signIn(window, ana.token);
  await window.openSidebar();
  await window.row(/^api, online/).waitFor();
});

afterAll(async () => {
  await editor?.stop();
  await world?.[Symbol.asyncDispose]();
});

/** Pastes a link, as from a message. */
async function paste(link: string): Promise<void> {
  await window.command("Sallyport: Connect to Workspace");
  await window.quickInputTitled("Connect to Workspace");
  await window.type(link);
}

test("what a workspace shows in a browser is opened from its menu, after a question that says where it leads", async () => {
  await window.openMenu(/^other, online/, "Show Details");
  expect(await window.page.getByRole("menuitem", { name: "Open in Browser" }).count()).toBe(0);
  await window.page.keyboard.press("Escape");
  await window.menu(/^api, online/, "Open in Browser");
  await window.dialog.getByText(`Open ${new URL(PAGE).origin} in your browser?`).waitFor();
  await window.dialog.getByText(PAGE).waitFor();
  await window.screenshot("open-in-browser");
  const asked = window.page.context().waitForEvent("request", (request) => request.url() === PAGE);
  await window.press("Open in Browser");
  // VS Code's own question, about websites that the person has not trusted.
  await window.press(/^Open$/);
  await asked;
});

test("a link that pins a different host key than the gateway publishes connects nowhere", async () => {
  const wrong = new URL(api.links.pinned);
  wrong.searchParams.set("hostKey", new URL(other.links.pinned).searchParams.get("hostKey") ?? "");
  await paste(wrong.href.replaceAll("+", "%20"));
  await window.notification("but its gateway publishes").waitFor();
  await window.screenshot("link-refused");
  expect(log(editor)).not.toContain("Handing");
});

test("the link that a host gives connects with its host key pinned, and opens the workspace's own folder", async () => {
  await paste(api.links.pinned);
  await window.press("Add the Line");
  await expectHandOff(window, editor, "api.sallyport.example", FOLDER);
  expect(readFileSync(join(SSH, "sallyport", "known_hosts"), "utf8")).toContain(
    `api.sallyport.example ${new URL(api.links.pinned).searchParams.get("hostKey")}\n`,
  );
  expect(await ssh(["api.sallyport.example", "echo in"])).toMatchObject({ code: 0, stdout: "in\n" });
});
