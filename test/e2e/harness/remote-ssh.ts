// Does with an alias what Remote-SSH does, with the system's own ssh: `ssh -T -D <port> <alias> bash`, a script on its
// stdin that starts a VS Code server on the workspace, and a window that reaches it through the forward.

import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { type Browser, chromium } from "playwright-core";
import { freePort } from "../../support/loopback.ts";
import { shellWord } from "../../support/programs/shell-word.ts";
import { browser as browserPath, codeServer } from "../setup/environment.ts";
import { BROWSER_FLAGS, personEnvironment } from "./editor.ts";
import { PATIENCE_MS, Workbench } from "./workbench.ts";

const START_TIMEOUT_MS = 300_000;

/** Prints a line that says where the server listens. The server ends with the SSH session, as a child of bash. The log file
 * is created first, since the server's redirection may create it only after it is read.
 */
function script(folder: string): string {
  const settings = {
    "workbench.startupEditor": "none",
    "workbench.secondarySideBar.defaultVisibility": "hidden",
    "chat.disableAIFeatures": true,
    "git.enabled": false,
    "window.commandCenter": false,
  };
  const server = [codeServer.node, codeServer.entry].map(shellWord).join(" ");
  const flags = "--auth none --bind-addr 127.0.0.1:0 --disable-telemetry --disable-update-check";
  return `
    set -e
    mkdir -p ${folder} ~/.vscode-server/User
    echo ${shellWord(JSON.stringify(settings))} > ~/.vscode-server/User/settings.json
    : > ~/.vscode-server/log
    ${server} ${flags} --disable-workspace-trust --user-data-dir ~/.vscode-server ${folder} > ~/.vscode-server/log 2>&1 &
    while kill -0 $! 2>/dev/null; do
      port=$(sed -n 's/.*listening on http:.*:\\([0-9]*\\).*/\\1/p' ~/.vscode-server/log)
      if [ -n "$port" ]; then echo "listening $port $(cd ${folder} && pwd)"; wait; fi
      sleep 0.1
    done
    cat ~/.vscode-server/log >&2
    exit 1
  `;
}

export class RemoteWindow implements AsyncDisposable {
  readonly #ssh: ChildProcess;
  readonly #browser: Browser;
  readonly workbench: Workbench;

  /** @throws Error with what ssh said */
  static async open(
    alias: string,
    options: { folder: string; sshArgs?: readonly string[] },
  ): Promise<RemoteWindow> {
    const socks = await freePort();
    const flags = ["-v", "-T", "-D", String(socks), ...(options.sshArgs ?? [])];
    const ssh = spawn("ssh", [...flags, alias, "bash"], {
      env: personEnvironment(),
      stdio: ["pipe", "pipe", "pipe"],
    });
    let said = "";
    ssh.stderr.on("data", (part) => {
      said += part;
    });
    try {
      ssh.stdin.end(script(options.folder));
      const [, port, folder] = /^listening (\d+) (.+)$/.exec(await firstLine(ssh, () => said)) ?? [];
      if (port === undefined || folder === undefined) throw new Error("the script said something strange");
      const browser = await chromium.launch({
        executablePath: browserPath,
        args: [...BROWSER_FLAGS, "--proxy-bypass-list=<-loopback>"],
        proxy: { server: `socks5://127.0.0.1:${socks}` },
      });
      const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
      page.setDefaultTimeout(PATIENCE_MS);
      page.setDefaultNavigationTimeout(PATIENCE_MS);
      await page.goto(`http://127.0.0.1:${port}/?folder=${encodeURIComponent(folder)}`);
      const workbench = new Workbench(page);
      await workbench.ready();
      return new RemoteWindow(ssh, browser, workbench);
    } catch (error) {
      ssh.kill();
      throw error;
    }
  }

  private constructor(ssh: ChildProcess, browser: Browser, workbench: Workbench) {
    this.#ssh = ssh;
    this.#browser = browser;
    this.workbench = workbench;
  }

  /** Whether the connection is up. */
  get connected(): boolean {
    return this.#ssh.exitCode === null && this.#ssh.signalCode === null;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#browser.close();
    await end(this.#ssh);
  }
}

async function end(ssh: ChildProcess): Promise<void> {
  if (ssh.exitCode !== null || ssh.signalCode !== null) return;
  const gone = new Promise<void>((resolve) => ssh.once("exit", () => resolve()));
  ssh.kill();
  await gone;
}

function firstLine(ssh: ChildProcess, said: () => string): Promise<string> {
  return new Promise((resolve, reject) => {
    const { stdout } = ssh;
    if (stdout === null) return reject(new Error("no stdout"));
    const fail = (why: string) => reject(new Error(`${why}\n${said().slice(-3000)}`));
    const timer = setTimeout(
      () => fail(`nothing came within ${START_TIMEOUT_MS / 1000} s`),
      START_TIMEOUT_MS,
    );
    ssh.once("exit", (code) => fail(`ssh ended with ${code}`));
    createInterface(stdout).once("line", (line) => {
      clearTimeout(timer);
      resolve(line);
    });
  });
}

/** A connection that stays open: `ssh <alias> sh`, which runs what a test types. */
export class Shell implements AsyncDisposable {
  readonly #ssh: ChildProcess;

  /** @throws Error with what ssh said */
  static async open(alias: string): Promise<Shell> {
    const ssh = spawn("ssh", ["-T", alias, "sh"], {
      env: personEnvironment(),
      stdio: ["pipe", "pipe", "pipe"],
    });
    let said = "";
    ssh.stderr.on("data", (part) => {
      said += part;
    });
    ssh.stdin.on("error", () => undefined); // The connection is gone, which a test may cause.
    const shell = new Shell(ssh);
    shell.type("echo in");
    await firstLine(ssh, () => said);
    ssh.stdout.resume();
    return shell;
  }

  private constructor(ssh: ChildProcess) {
    this.#ssh = ssh;
  }

  type(line: string): void {
    this.#ssh.stdin?.write(`${line}\n`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await end(this.#ssh);
  }
}

interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The person's own ssh, from their terminal. */
export function ssh(
  args: readonly string[],
  options: { env?: NodeJS.ProcessEnv; input?: string } = {},
): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const env = { ...personEnvironment(), ...options.env };
    const child = spawn("ssh", args, { env, timeout: START_TIMEOUT_MS });
    let [stdout, stderr] = ["", ""];
    child.stdout.setEncoding("utf8").on("data", (part: string) => {
      stdout += part;
    });
    child.stderr.setEncoding("utf8").on("data", (part: string) => {
      stderr += part;
    });
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, stdout, stderr }));
    child.stdin.on("error", () => undefined); // It ended before it read everything.
    child.stdin.end(options.input ?? "");
  });
}
