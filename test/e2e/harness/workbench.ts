// One window of VS Code, used as a person uses it: by the texts on the screen and by the keyboard.

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Locator, Page } from "playwright-core";
import { ROOT } from "../../../scripts/repository.ts";

/** How long to wait for anything in a window: long enough for a slow machine, and an end for what hangs. */
export const PATIENCE_MS = 180_000;

/** Not in git. Those for the documentation are copied by hand to media/screenshots/, after a look at them. */
const SCREENSHOTS = join(ROOT, "test", "e2e", "screenshots");

const windows = new Set<Workbench>();

/** The windows of this test file that are open now. */
export function openWindows(): Workbench[] {
  return [...windows];
}

export class Workbench implements AsyncDisposable {
  readonly page: Page;

  constructor(page: Page) {
    this.page = page;
    windows.add(this);
    page.once("close", () => windows.delete(this));
  }

  /** Waits until the window is drawn and extensions can run. */
  async ready(): Promise<void> {
    await this.page.locator(".monaco-workbench .part.statusbar").waitFor();
    await this.page.locator(".monaco-workbench .explorer-folders-view").first().waitFor();
  }

  /** Runs a command by its full title from the command palette. */
  async command(title: string): Promise<void> {
    const entry = this.choices.filter({ hasText: title }).first();
    // The list is made when it opens. While extensions are still being read, it lacks their commands.
    for (const deadline = Date.now() + 120_000; ; ) {
      await this.page.keyboard.press("F1");
      await this.quickInput.fill(`>${title}`);
      try {
        await entry.waitFor({ timeout: 5_000 });
        break;
      } catch (error) {
        if (Date.now() > deadline) throw error;
        await this.page.keyboard.press("Escape");
      }
    }
    await this.quickInput.press("Enter");
  }

  get quickInput(): Locator {
    return this.page.locator(".quick-input-widget:visible input").first();
  }

  /** Waits for the quick input whose title contains this. */
  async quickInputTitled(text: string | RegExp): Promise<void> {
    await this.page
      .locator(".quick-input-widget:visible .quick-input-title")
      .filter({ hasText: text })
      .waitFor();
  }

  /** The entries of the open list. */
  get choices(): Locator {
    return this.page.locator(".quick-input-widget:visible .quick-input-list").getByRole("option");
  }

  async choose(text: string | RegExp): Promise<void> {
    await this.choices.filter({ hasText: text }).first().click();
  }

  async type(text: string): Promise<void> {
    await this.quickInput.waitFor();
    await this.quickInput.fill(text);
    await this.quickInput.press("Enter");
  }

  /** The extension's own container in the activity bar. */
  async openSidebar(): Promise<void> {
    await this.page
      .getByRole("tab", { name: /^Sallyport/ })
      .first()
      .click();
  }

  get sidebar(): Locator {
    return this.page.locator(".part.sidebar");
  }

  row(name: string | RegExp): Locator {
    return this.sidebar.getByRole("treeitem", { name }).first();
  }

  /** Opens the menu of a row, and points at the entry of this name. */
  async openMenu(row: string | RegExp, name: string): Promise<void> {
    const item = this.page.getByRole("menuitem", { name });
    for (const deadline = Date.now() + PATIENCE_MS; ; ) {
      await this.row(row).click({ button: "right" });
      try {
        await item.hover({ timeout: 5_000 });
        break;
      } catch (error) {
        // When the tree is redrawn, its menu closes.
        if (Date.now() > deadline) throw error;
        await this.page.keyboard.press("Escape");
      }
    }
  }

  /** Chooses from the menu of a row, with Enter: VS Code ignores a click right after a menu has opened. */
  async menu(row: string | RegExp, name: string): Promise<void> {
    await this.openMenu(row, name);
    await this.page.keyboard.press("Enter");
  }

  /** Opens a link as if it was clicked anywhere on the machine: VS Code asks whether the extension may have it. */
  async openLink(link: string): Promise<void> {
    await this.command("Developer: Open URL");
    await this.type(link);
    await this.press("Open");
  }

  /** A notification, by a part of its text. */
  notification(text: string | RegExp): Locator {
    return this.page
      .locator(".notifications-toasts .notification-list-item")
      .filter({ hasText: text })
      .first();
  }

  /** A notification that stays: VS Code hides one after some seconds, but not while the mouse is over it. */
  async heldNotification(text: string | RegExp): Promise<Locator> {
    const notification = this.notification(text);
    await notification.hover();
    return notification;
  }

  /** A modal question. */
  get dialog(): Locator {
    return this.page.locator(".monaco-dialog-box");
  }

  async press(button: string | RegExp, within: Locator = this.dialog): Promise<void> {
    await within.getByRole("button", { name: button }).first().click();
  }

  /** The activation time of an extension according to VS Code, in ms; undefined when it has not been activated. */
  async activationMs(name: string): Promise<number | undefined> {
    await this.command("Developer: Show Running Extensions");
    const list = this.page.locator(".runtime-extensions-editor");
    await list.getByRole("listitem").or(list.locator(".monaco-list-row")).first().waitFor();
    const row = list.locator(".monaco-list-row").filter({ hasText: name }).filter({ hasText: "ms" });
    if ((await row.count()) === 0) return undefined;
    const [, ms] = /(\d+)\s*ms/.exec(await row.first().innerText()) ?? [];
    return ms === undefined ? undefined : Number(ms);
  }

  /** A rendered page, by a part of its text. */
  rendered(text: string | RegExp): Locator {
    const frames = this.page.frameLocator("iframe.webview.ready").frameLocator("iframe#active-frame");
    return frames.locator("body").filter({ hasText: text });
  }

  statusBarItem(text: string | RegExp): Locator {
    return this.page.locator(".part.statusbar .statusbar-item").filter({ hasText: text }).first();
  }

  async clipboard(): Promise<string> {
    return String(await this.page.evaluate("navigator.clipboard.readText()"));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.page.close();
  }

  async screenshot(name: string): Promise<void> {
    mkdirSync(SCREENSHOTS, { recursive: true });
    await this.page.screenshot({ path: join(SCREENSHOTS, `${name}.png`) });
  }
}
