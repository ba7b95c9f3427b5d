#!/usr/bin/env node
// The `sallyport` program: finds the command, runs it, and turns what it throws into one line and an exit code.
// It starts once for each ssh connection (as ProxyCommand), so it loads nothing beyond the command's own code.

import { lstatSync, mkdirSync } from "node:fs";
import module from "node:module";
import { homedir } from "node:os";
import type { CommandContext } from "../protocol/command/command.ts";
import { COMMANDS } from "./cli/commands.ts";
import { cacheDirectory, thisMachine } from "./platform/paths.ts";

const DOCS = "Run `sallyport help COMMAND` for its options and an example.";

/** Microsoft's builds of Electron want this to run as Node, and leave it among the program's own arguments. */
const ELECTRON_SWITCH = "--ms-enable-electron-run-as-node";

async function main(args: readonly string[]): Promise<number> {
  const [first, ...rest] = args[0] === ELECTRON_SWITCH ? args.slice(1) : args;
  if (first === undefined) {
    stderr().write(overview());
    return 2;
  }
  if (first === "--help" || first === "-h") return print(overview());
  if (first === "--version" || first === "-V") return run("version", rest);
  if (first === "help") return rest[0] === undefined ? print(overview()) : help(rest[0]);
  return run(first, rest);
}

async function run(name: string, args: readonly string[]): Promise<number> {
  const entry = find(name);
  if (entry === undefined) return unknownCommand(name);
  if (entry.readsHelp === undefined && asksForHelp(args)) return help(name);
  const interruption = new Interruption();
  interruption.on("SIGINT");
  interruption.on("SIGTERM");
  try {
    if (entry.staysAndCarries !== undefined) {
      const { tuneCollector } = await import("./cli/collector.ts");
      tuneCollector(entry.staysAndCarries);
    }
    const command = await entry.load();
    if (command.handlesSighup !== true) interruption.on("SIGHUP");
    const ownArgs = entry.network === true && entry.readsHelp === undefined;
    const { args: rest, env } = ownArgs ? await withoutNetworkFlags(args) : { args, env: process.env };
    return await command.run(rest, contextOf(interruption.signal, env));
  } catch (error) {
    if (interruption.signal.aborted && error instanceof Error && error.name === "AbortError") {
      return interruption.exitCode;
    }
    return report(name, args, error);
  }
}

/** A companion is started without any, and then loads nothing for them. */
async function withoutNetworkFlags(args: readonly string[]) {
  if (!args.some((arg) => /^--(?:proxy|pac|ca|client-cert|client-key)(?:=|$)/.test(arg))) {
    return { args, env: process.env };
  }
  const { takeNetworkFlags } = await import("./cli/network-flags.ts");
  return takeNetworkFlags(args, process.env);
}

async function help(name: string): Promise<number> {
  const entry = find(name);
  if (entry === undefined) return unknownCommand(name);
  try {
    const { help: text } = await entry.load();
    if (entry.network !== true) return print(`${text.trim()}\n`);
    const { NETWORK_HELP } = await import("./cli/network-flags.ts");
    return print(`${text.trim()}\n${NETWORK_HELP}`);
  } catch (error) {
    return report(name, [], error);
  }
}

function overview(): string {
  const width = Math.max(...Object.keys(COMMANDS).map((name) => name.length));
  const lines = Object.entries(COMMANDS).map(([name, { summary }]) => `  ${name.padEnd(width)}  ${summary}`);
  return `Usage: sallyport COMMAND [options]

Reach your workspaces over SSH, on any network.

Commands:
${lines.join("\n")}

Example:
  sallyport login https://gateway.example
  sallyport ssh my-workspace

${DOCS}
`;
}

function find(name: string) {
  return Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
}

function asksForHelp(args: readonly string[]): boolean {
  const end = args.indexOf("--");
  const own = end === -1 ? args : args.slice(0, end);
  return own.includes("--help") || own.includes("-h");
}

async function unknownCommand(name: string): Promise<number> {
  const [{ nearest }, { redactTokens }] = await Promise.all([
    import("./cli/did-you-mean.ts"),
    import("../protocol/values/token.ts"),
  ]);
  const guess = nearest(name, [...Object.keys(COMMANDS), "help"]);
  const hint = guess === undefined ? "" : ` Did you mean \`sallyport ${guess}\`?`;
  // Somebody may have pasted a token.
  complain(`sallyport: there is no command ${JSON.stringify(redactTokens(name))}.${hint}`);
  complain("see sallyport --help");
  return 2;
}

async function report(name: string, args: readonly string[], error: unknown): Promise<number> {
  const { describeFailure } = await import("./cli/failure.ts");
  const verbose =
    args.includes("--verbose") || args.includes("-v") || (process.env.SALLYPORT_DEBUG ?? "") !== "";
  const { lines, exitCode } = describeFailure(name, error, verbose);
  for (const line of lines) complain(line);
  return exitCode;
}

function complain(line: string): void {
  stderr().write(`${line}\n`);
}

function print(text: string): number {
  stdout().write(text);
  return 0;
}

/** Streams are made when first asked for: a companion dials before it touches them. */
function contextOf(signal: AbortSignal, env: CommandContext["env"]): CommandContext {
  return {
    env,
    signal,
    get stdin() {
      return process.stdin;
    },
    get stdout() {
      return stdout();
    },
    get stderr() {
      return stderr();
    },
  };
}

/** Whoever read our output may have gone (`sallyport list | head -1`): nothing is wrong and nobody is left to tell. */
function stdout(): typeof process.stdout {
  if (process.stdout.listenerCount("error", leave) === 0) process.stdout.on("error", leave);
  return process.stdout;
}

function leave(error: NodeJS.ErrnoException): void {
  process.exit(error.code === "EPIPE" ? 0 : 1);
}

function stderr(): typeof process.stderr {
  if (process.stderr.listenerCount("error", goOn) === 0) process.stderr.on("error", goOn);
  return process.stderr;
}

/** Nobody reads the messages; the work itself goes on. */
function goOn(): void {}

/** The first signal asks the command to end, the second one ends it: 128 + n, as shells report a death by signal. */
class Interruption {
  readonly #controller = new AbortController();
  exitCode = 0;

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  on(name: "SIGHUP" | "SIGINT" | "SIGTERM"): void {
    process.on(name, (_: NodeJS.Signals, number: number) => {
      if (this.signal.aborted) process.exit(128 + number);
      this.exitCode = 128 + number;
      this.#controller.abort(Object.assign(new Error(`Ended by ${name}.`), { name: "AbortError" }));
    });
  }
}

/** Ends at once, whatever timers and sockets are left, but not before stdout has taken everything. */
function exit(code: number): void {
  const output = stdout();
  if (output.writableLength === 0) process.exit(code);
  output.write("", () => process.exit(code));
}

/**
 * Keeps V8's compiled code between starts (Node ≥ 22.1). What lies there is run, so the directory is ours alone;
 * where it cannot be, the start is only slower.
 */
function keepCompiledCode(): void {
  if (module.enableCompileCache === undefined) return;
  try {
    const directory = cacheDirectory(thisMachine(process.env, homedir));
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const stat = lstatSync(directory);
    const foreign =
      process.getuid !== undefined && (stat.uid !== process.getuid() || (stat.mode & 0o022) !== 0);
    if (stat.isDirectory() && !foreign) module.enableCompileCache(directory);
  } catch {
    // No home, a full or read-only disk: run without a cache.
  }
}

// Our own connections are verified whatever it says (agent/platform/network/open-socket.ts), and Node would warn that they are not.
delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
keepCompiledCode();
// No top-level await: dist/ is CommonJS, which Node starts faster.
void main(process.argv.slice(2)).then(exit);
