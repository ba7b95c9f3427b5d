// A gateway that offers a newer version of the extension: it is offered once, installed after a yes, and runs after a reload.

import { readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Editor } from "../harness/editor.ts";
import { emptyHome } from "../harness/home.ts";
import { log, SETTINGS, signIn } from "../harness/steps.ts";
import { PATIENCE_MS, type Workbench } from "../harness/workbench.ts";
import { World } from "../harness/world.ts";
import { directory, update } from "../setup/environment.ts";
import { installExtensions } from "../setup/extensions.ts";
import { NEW_VERSION, OLD_VERSION } from "../setup/update-release.ts";

const extensionsDirectory = join(directory, "extensions-to-update");

let world: World;
let editor: Editor;
let window: Workbench;

beforeAll(async () => {
  emptyHome();
  world = await World.start(["--downloads", update.release]);
  const ana = await world.person("ana");
  await installExtensions([update.vsix], extensionsDirectory);
  editor = await Editor.start({ settings: SETTINGS, extensionsDirectory });
  window = await editor.openWindow();
  await signIn(window, ana.token);
});

afterAll(async () => {
  await editor?.stop();
  await world?.[Symbol.asyncDispose]();
});

test("the newer version is offered, says what is new, is installed after a yes, and runs after a reload", async () => {
  const running = (version: string) => `Sallyport ${version} activated`;
  expect(log(editor)).toContain(running(OLD_VERSION));
  const offer = await window.heldNotification(
    `Sallyport ${NEW_VERSION} is available from sallyport.example.`,
  );
  await window.screenshot("update-offered");
  await window.press("What's New?", offer);
  await window.rendered("Changelog").waitFor();
  await window.screenshot("update-changes");
  const again = await window.heldNotification(
    `Sallyport ${NEW_VERSION} is available from sallyport.example.`,
  );
  await window.press("Install", again);
  const done = await window.heldNotification(`Sallyport ${NEW_VERSION} is installed.`);
  await window.screenshot("update-installed");
  expect(readdirSync(extensionsDirectory)).toContain(`sallyport.sallyport-${NEW_VERSION}`);
  await window.press("Reload Window", done);
  await window.ready();
  await window.openSidebar();
  await expect.poll(() => log(editor), { timeout: PATIENCE_MS }).toContain(running(NEW_VERSION));
  await window.screenshot("update-reloaded");
});
