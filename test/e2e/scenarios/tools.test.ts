// What the extension does besides connecting: the diagnosis, a workspace's details, and sharing this machine.

import { afterAll, beforeAll, expect, test } from "vitest";
import { Editor } from "../harness/editor.ts";
import { emptyHome, makeKey } from "../harness/home.ts";
import { log, SETTINGS, signIn } from "../harness/steps.ts";
import type { Workbench } from "../harness/workbench.ts";
import { type Person, World } from "../harness/world.ts";

let world: World;
let ana: Person;
let editor: Editor;
let window: Workbench;

beforeAll(async () => {
  emptyHome();
  world = await World.start();
  ana = await world.person("ana");
  await ana.register(makeKey("id_ed25519"));
  await world.host(ana, "api");
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

test("a machine is shared until the person stops it, and the status bar says so", async () => {
  await window.command("Sallyport: Share This Machine");
  await window.quickInputTitled("Share this machine");
  await window.type("desk");
  await window.notification("is shared as desk").waitFor();
  await window.row(/^desk, online/).waitFor();
  await window.statusBarItem("Shared as desk").waitFor();
  await window.screenshot("shared-machine");
  await window.command("Sallyport: Stop Sharing");
  await window.notification("no longer shared").waitFor();
  await window.row(/1 workspace offline/).waitFor();
});

test("the diagnosis checks every stage and is a page to copy, without a token in it or in the log", async () => {
  await window.command("Sallyport: Diagnose Connection");
  await window.choose(/^api/);
  const page = window.rendered("The workspace can");
  await page.waitFor();
  await page.getByRole("columnheader", { name: "Result" }).waitFor();
  await window.screenshot("diagnosis");
  expect(await page.innerText()).not.toContain("spt_");
  expect(log(editor)).not.toContain(ana.token);
});

test("the details of a workspace have its host key's fingerprint", async () => {
  await window.menu(/^api, online/, "Show Details");
  await window.rendered("SHA256:").waitFor();
});
