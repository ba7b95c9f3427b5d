// The steps of a person that several scenarios share.

import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { expect, vi } from "vitest";
import type { AccessToken } from "../../../protocol/values/token.ts";
import { GATEWAY_HOST, HOME } from "../setup/enclosure.ts";
import type { Editor } from "./editor.ts";
import { readConfig } from "./home.ts";
import { PATIENCE_MS, type Workbench } from "./workbench.ts";
import { GATEWAY_URL } from "./world.ts";

/** The folder that the hand-off opens. It exists on both sides, so that the next page has something to show. */
export const FOLDER = "/root";
export const SETTINGS = { "sallyport.defaultFolder": FOLDER };

/** With an access token. Editors in a browser are not offered the browser: scenarios/sign-in.test.ts. */
export async function signIn(window: Workbench, token: AccessToken): Promise<void> {
  await window.command("Sallyport: Sign In");
  await window.type(GATEWAY_URL);
  await window.choose("Paste an access token");
  await window.quickInputTitled("2/2");
  await window.type(token);
  await window.notification("Signed in at").waitFor();
}

/** Connects by a click in a window on the person's own folder. Agrees to the Include line. */
export async function connectByClick(
  window: Workbench,
  editor: Editor,
  name: string,
  options: { /** The tree is already shown. */ readonly shown?: boolean } = {},
): Promise<void> {
  if (options.shown !== true) {
    await editor.show(window);
    await window.openSidebar();
  }
  await window.row(new RegExp(`^${name}, online`)).click();
  if (readConfig()?.includes("sallyport/config") !== true) await window.press("Add the Line");
  await expectHandOff(window, editor, `${name}.${GATEWAY_HOST}`);
}

/** Removes the cached probe, as if the network had changed. */
export function forgetReachability(): void {
  rmSync(join(HOME, ".cache", "sallyport"), { recursive: true, force: true });
}

/** Waits, after a click on a workspace, until VS Code opens the workspace's folder. */
export async function expectHandOff(
  window: Workbench,
  editor: Editor,
  alias: string,
  folder = FOLDER,
): Promise<void> {
  await window.page.waitForURL((url) => url.searchParams.get("folder") === folder);
  // VS Code writes the log on a thread of its own. Hooks come here too, where `expect.poll` is refused.
  const handed = `Handing ssh-remote+${alias}${folder} to Remote-SSH.`;
  await vi.waitFor(() => expect(log(editor)).toContain(handed), { timeout: PATIENCE_MS });
  await window.ready();
}

/** Everything that the extension wrote to its log in this editor, window by window. */
export function log(editor: Editor): string {
  const logs = join(editor.userData, "logs");
  if (!existsSync(logs)) return "";
  return readdirSync(logs, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && basename(entry.parentPath) === "sallyport.sallyport")
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
    .map((path) => readFileSync(path, "utf8"))
    .join("");
}
