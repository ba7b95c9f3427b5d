// The interface in German: what VS Code translates from the manifest, and the extension's own texts.

import { afterAll, beforeAll, test } from "vitest";
import { Editor } from "../harness/editor.ts";
import { emptyHome, makeKey } from "../harness/home.ts";
import { SETTINGS } from "../harness/steps.ts";
import type { Workbench } from "../harness/workbench.ts";
import { GATEWAY_URL, type Person, World } from "../harness/world.ts";

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
  const retired = await world.host(ana, "retired");
  await retired.program.stop();
  editor = await Editor.start({ settings: SETTINGS, language: "de" });
  window = await editor.openWindow();
});

afterAll(async () => {
  await editor?.stop();
  await world?.[Symbol.asyncDispose]();
});

test("signed out, the sidebar asks in German", async () => {
  await window.openSidebar();
  await window.sidebar.getByRole("button", { name: "Anmelden" }).waitFor();
  await window.screenshot("german-welcome");
});

test("the tree, its menu and the question before anything is written are in German", async () => {
  await window.press("Anmelden", window.sidebar);
  await window.type(GATEWAY_URL);
  await window.choose("Ein Zugangs-Token einfügen");
  await window.quickInputTitled("2/2");
  await window.type(ana.token);
  await window.row(/1 Arbeitsplatz offline/).waitFor();
  await window.openMenu(/^api, online/, "Besitzer-Token kopieren");
  await window.screenshot("german-workspaces");
  await window.page.keyboard.press("Escape");
  await window.row(/^api, online/).click();
  await window.dialog.getByText("Darf Sallyport eine Zeile zu").waitFor();
  await window.screenshot("german-consent");
  await window.page.keyboard.press("Escape");
});
