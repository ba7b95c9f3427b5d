// One person's VS Code: a code-server with its own settings and state, and the browser that shows it.

import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
  type Page,
} from "playwright-core";
import { freePort } from "../../support/loopback.ts";
import {
  browser as browserPath,
  certificate,
  codeServer,
  directory,
  extensionsDirectory,
} from "../setup/environment.ts";
import { connectPage } from "./connected-window.ts";
import { PATIENCE_MS, Workbench } from "./workbench.ts";

const START_TIMEOUT_MS = 300_000;

const SETTINGS = {
  // An extension of kind `ui` does not start in a browser, where the person's machine cannot run it.
  "remote.extensionKind": { "sallyport.sallyport": ["workspace"] },
  "workbench.startupEditor": "none",
  "workbench.tips.enabled": false,
  // Screenshots must not catch animations.
  "workbench.reduceMotion": "on",
  "workbench.secondarySideBar.defaultVisibility": "hidden",
  "workbench.welcomePage.walkthroughs.openOnInstall": false,
  "chat.disableAIFeatures": true,
  "extensions.autoCheckUpdates": false,
  "extensions.ignoreRecommendations": true,
  "git.enabled": false,
  "telemetry.telemetryLevel": "off",
  "window.commandCenter": false,
  "files.simpleDialog.enable": true,
};

interface EditorOptions {
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly env?: NodeJS.ProcessEnv;
  /**
   * The display language. VS Code's own texts stay English, since no language pack is installed; the extension's
   * follow.
   */
  readonly language?: string;
  /** Instead of those that all editors of the run have. */
  readonly extensionsDirectory?: string;
  /** Size of the window in pixels. */
  readonly size?: { readonly width: number; readonly height: number };
}

export class Editor {
  readonly #child: ChildProcess;
  readonly #browser: Browser;
  readonly #context: BrowserContext;
  readonly #url: string;
  readonly userData: string;
  readonly folder: string;

  /** @throws Error with the end of code-server's log */
  static async start(options: EditorOptions = {}): Promise<Editor> {
    const userData = mkdtempSync(join(directory, "editor-"));
    const folder = join(userData, "project");
    mkdirSync(folder);
    writeFileSync(join(folder, "README.md"), "# A project on the person's machine\n");
    for (const scope of ["User", "Machine"]) {
      mkdirSync(join(userData, scope), { recursive: true });
      const settings = scope === "User" ? { ...SETTINGS, ...options.settings } : SETTINGS;
      writeFileSync(join(userData, scope, "settings.json"), JSON.stringify(settings, null, 2));
    }
    if (options.language !== undefined) speak(userData, options.language);
    const { child, url } = await startCodeServer(userData, folder, options);
    try {
      const browser = await chromium.launch({ executablePath: browserPath, args: [...BROWSER_FLAGS] });
      const context = await browser.newContext({
        viewport: options.size ?? { width: 1280, height: 800 },
        reducedMotion: "reduce",
      });
      context.setDefaultTimeout(PATIENCE_MS);
      context.setDefaultNavigationTimeout(PATIENCE_MS);
      await context.grantPermissions(["clipboard-read", "clipboard-write"], { origin: url });
      return new Editor({ child, browser, context, url, userData, folder });
    } catch (error) {
      child.kill();
      throw error;
    }
  }

  private constructor(parts: {
    child: ChildProcess;
    browser: Browser;
    context: BrowserContext;
    url: string;
    userData: string;
    folder: string;
  }) {
    this.#child = parts.child;
    this.#browser = parts.browser;
    this.#context = parts.context;
    this.#url = parts.url;
    this.userData = parts.userData;
    this.folder = parts.folder;
  }

  /** A new window on the person's own folder. */
  async openWindow(): Promise<Workbench> {
    const workbench = new Workbench(await this.#context.newPage());
    await this.show(workbench);
    return workbench;
  }

  /** Opens the person's own folder in a window and replaces what was there, as after a restart. */
  async show(workbench: Workbench): Promise<void> {
    await workbench.page.goto(`${this.#url}/?folder=${encodeURIComponent(this.folder)}`);
    await workbench.ready();
  }

  /** A new window that is open on a workspace. Its folder is on this machine, which stands in for the workspace. */
  async openConnectedWindow(alias: string, folder: string): Promise<Workbench> {
    const page = await this.#context.newPage();
    await connectPage(page, this.#url, alias);
    const workbench = new Workbench(page);
    await page.goto(`${this.#url}/?folder=${encodeURIComponent(folder)}`);
    await workbench.ready();
    return workbench;
  }

  /** A page in a browser that shares nothing with the editor's, such as the person's own one. */
  async otherBrowser(options: BrowserContextOptions): Promise<Page> {
    const context = await this.#browser.newContext(options);
    context.setDefaultTimeout(PATIENCE_MS);
    return await context.newPage();
  }

  /** Windows that the editor opens by itself appear here. */
  get windows(): BrowserContext {
    return this.#context;
  }

  async stop(): Promise<void> {
    await this.#browser.close();
    await stopGroup(this.#child);
  }
}

export const BROWSER_FLAGS: readonly string[] = [
  ...["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"],
  ...["--disable-background-networking", "--disable-component-update"],
];

async function startCodeServer(
  userData: string,
  folder: string,
  { env = {}, language = "en", extensionsDirectory: extensions = extensionsDirectory }: EditorOptions,
): Promise<{ child: ChildProcess; url: string }> {
  const port = await freePort();
  const logFile = join(userData, "code-server.log");
  const log = openSync(logFile, "a");
  const child = spawn(
    codeServer.node,
    [
      codeServer.entry,
      ...["--auth", "none", "--bind-addr", `127.0.0.1:${port}`],
      ...["--disable-telemetry", "--disable-update-check", "--disable-workspace-trust"],
      ...["--extensions-dir", extensions, "--user-data-dir", userData],
      ...["--locale", language, folder],
    ],
    {
      cwd: folder,
      // Its logs are in UTC, so that the tests can compare their times.
      env: { ...personEnvironment(), TZ: "UTC", ...env },
      stdio: ["ignore", log, log],
      detached: true,
    },
  );
  closeSync(log);
  const url = `http://127.0.0.1:${port}`;
  const deadline = Date.now() + START_TIMEOUT_MS;
  for (;;) {
    const answer = await fetch(`${url}/healthz`).catch(() => undefined); // Not listening yet.
    if (answer?.ok) return { child, url };
    if (child.exitCode !== null || child.signalCode !== null || Date.now() > deadline) {
      await stopGroup(child);
      throw new Error(`code-server did not start\n${readFileSync(logFile, "utf8").slice(-2000)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Registers a language pack as VS Code does for an installed one. It translates nothing of VS Code itself. */
function speak(userData: string, language: string): void {
  const translation = join(userData, `${language}.json`);
  writeFileSync(translation, JSON.stringify({ contents: {} }));
  const extensions = [
    { extensionIdentifier: { id: `stand-in.language-pack-${language}` }, version: "1.0.0" },
  ];
  const pack = { hash: "stand-in", extensions, translations: { vscode: translation }, label: language };
  writeFileSync(join(userData, "languagepacks.json"), JSON.stringify({ [language]: pack }));
}

/** The environment of a person's login, with nothing from the person who runs the tests. */
export function personEnvironment(): NodeJS.ProcessEnv {
  const { HOME, TERM = "xterm" } = process.env;
  return {
    HOME,
    TERM,
    // As a company's certificate authority is made known to Node; ssh hands it on to the companion.
    NODE_EXTRA_CA_CERTS: certificate.certFile,
    USER: "root",
    LOGNAME: "root",
    SHELL: "/bin/bash",
    LANG: "C.UTF-8",
    PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
  };
}

/** Ends a server and what it has started. */
async function stopGroup(child: ChildProcess): Promise<void> {
  const { pid } = child;
  if (pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  process.kill(-pid, "SIGTERM");
  const timer = setTimeout(() => process.kill(-pid, "SIGKILL"), 5_000);
  await gone;
  clearTimeout(timer);
}
