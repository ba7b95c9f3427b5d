// The operating system's keychain, through keytar in a child process: a keychain that does not answer (a locked collection, a
// D-Bus without a secret service) blocks a thread for ever, and Node cannot exit before that thread is done. A child can be
// killed.

import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { CommandError } from "../command-error.ts";
import { executable, type HelperScript, helperCommand } from "../executable.ts";
import { nativeFile } from "../native-files.ts";
import { nodeEnvironment } from "../node-environment.ts";
import type { Machine } from "../paths.ts";

/** The name that entries are filed under; the account is the gateway's URL. */
export const KEYCHAIN_SERVICE = "sallyport";

export interface Keychain {
  /** undefined: there is no such entry. Every method throws CommandError stage `keychain` with the reason. */
  get(account: string): Promise<string | undefined>;
  set(account: string, secret: string): Promise<void>;
  delete(account: string): Promise<void>;
}

export interface KeychainOptions {
  readonly env: Machine["env"];
  /** Modules to try in turn. */
  readonly modules?: readonly string[];
  readonly timeoutMs?: number;
}

/** Windows and macOS may ask the person first. A Linux desktop that does not answer at once has no usable keychain. */
function defaultTimeout(): number {
  return process.platform === "linux" ? 2_000 : 30_000;
}

export function systemKeychain(options: KeychainOptions): Keychain {
  return {
    get: async (account) => (await ask(options, { operation: "getPassword", account })) ?? undefined,
    set: async (account, secret) => {
      await ask(options, { operation: "setPassword", account, secret });
    },
    delete: async (account) => {
      await ask(options, { operation: "deletePassword", account });
    },
  };
}

interface Question {
  readonly operation: "getPassword" | "setPassword" | "deletePassword";
  readonly account: string;
  readonly secret?: string;
}

/** The question, with its secret, comes on stdin, because every user can see arguments. */
export const KEYCHAIN_HELPER: HelperScript = {
  name: "keychain",
  source: `
let text = "";
process.stdin.on("data", (part) => { text += part; }).on("end", async () => {
  const answer = (value) => process.stdout.write(JSON.stringify(value));
  const { modules, service, operation, account, secret } = JSON.parse(text);
  let keytar, problem;
  for (const name of modules) {
    try { keytar = require(name); break; }
    catch (error) { if (error.code !== "MODULE_NOT_FOUND") problem ??= error.message.split("\\n")[0]; }
  }
  if (keytar === undefined) return answer({ problem: problem ?? "keytar is not installed" });
  try {
    const rest = operation === "setPassword" ? [secret] : [];
    answer({ value: (await keytar[operation](service, account, ...rest)) ?? null });
  } catch (error) {
    answer({ problem: String(error.message) });
  }
});
`,
};

async function ask(options: KeychainOptions, question: Question): Promise<string | null> {
  const { env } = options;
  const timeoutMs = options.timeoutMs ?? defaultTimeout();
  const [program, ...args] = helperCommand(KEYCHAIN_HELPER);
  const child = spawn(program, args, {
    // Inside an editor, execPath is Electron.
    env: { ...nodeEnvironment(env), ELECTRON_RUN_AS_NODE: "1" },
    stdio: ["pipe", "pipe", "ignore"],
    windowsHide: true,
  });
  let timer: NodeJS.Timeout | undefined;
  try {
    const answer = await new Promise<string>((resolve, reject) => {
      timer = setTimeout(
        () => reject(unavailable("keychain_timeout", `it did not answer within ${timeoutMs / 1000} s`)),
        timeoutMs,
      );
      let output = "";
      child.on("error", (error) => reject(unavailable("keychain_unavailable", error.message, error)));
      // It was not started, for example because no descriptors are left, and has no streams either.
      if (child.pid === undefined) return;
      child.stdout.setEncoding("utf8").on("data", (part: string) => {
        output = (output + part).slice(0, 64 * 1024);
      });
      child.on("close", () => resolve(output));
      // A child that ends before it has read gives an empty answer, which is reported.
      child.stdin.on("error", () => {});
      child.stdin.end(
        JSON.stringify({ modules: options.modules ?? candidates(), service: KEYCHAIN_SERVICE, ...question }),
      );
    });
    return parseAnswer(answer);
  } finally {
    clearTimeout(timer);
    child.kill("SIGKILL");
  }
}

function parseAnswer(text: string): string | null {
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch (cause) {
    throw unavailable("keychain_unavailable", "its helper process ended without an answer", cause);
  }
  if (typeof answer === "object" && answer !== null) {
    if ("problem" in answer) throw unavailable("keychain_unavailable", String(answer.problem));
    if ("value" in answer) return typeof answer.value === "string" ? answer.value : null;
  }
  throw unavailable("keychain_unavailable", "its helper process gave an answer that cannot be read");
}

/** The package itself, then its prebuilt addon for this machine: an install without scripts does not copy that into place. */
function candidates(): string[] {
  if (executable() !== undefined) return [builtIn()];
  const here = import.meta.url;
  const names = [`${process.platform}-${process.arch}`];
  if (process.platform === "linux") names.push(`linuxmusl-${process.arch}`);
  const found: string[] = [];
  const roots = [dirname(fileURLToPath(here))];
  try {
    const path = createRequire(here).resolve("keytar/package.json");
    found.push(dirname(path));
    roots.unshift(dirname(path));
  } catch {
    // Not installed as a package: the addon may be beside a bundle.
  }
  for (const root of roots)
    for (const name of names) found.push(join(root, "prebuilds", name, "keytar.node"));
  return found;
}

function builtIn(): string {
  try {
    return nativeFile("keytar.node");
  } catch (cause) {
    throw unavailable("keychain_unavailable", cause instanceof Error ? cause.message : String(cause), cause);
  }
}

function unavailable(code: string, message: string, cause?: unknown): CommandError {
  return new CommandError("keychain", code, `The keychain cannot be used: ${message}.`, { cause });
}
