#!/usr/bin/env node
// The `sallyport` program: finds the command, runs it, and turns what it throws into one line and an exit code.
// It starts once for each ssh connection (as ProxyCommand), so it loads nothing beyond the command's own code.

import { lstatSync, mkdirSync, statSync } from "node:fs";
import module from "node:module";
import { homedir } from "node:os";
import type { CommandContext, ConfigFile } from "../protocol/command/command.ts";
import { allDefinitions, COMMANDS, type CommandEntry, findCommand } from "./cli/commands.ts";
import { executable, HELPER_COMMAND } from "./platform/executable.ts";
import { cacheDirectory, configFilePath, thisMachine } from "./platform/paths.ts";

/** Microsoft's builds of Electron need this to run as Node, and pass it on among the program's own arguments. */
const ELECTRON_SWITCH = "--ms-enable-electron-run-as-node";

async function main(args: readonly string[]): Promise<number> {
  const [first, ...rest] = args[0] === ELECTRON_SWITCH ? args.slice(1) : args;
  if (first === undefined) {
    const { overview } = await import("./cli/help/text.ts");
    stderr().write(overview(await allDefinitions()));
    return 2;
  }
  if (first === HELPER_COMMAND && executable() !== undefined) {
    const { runHelper } = await import("./cli/run-helper.ts");
    // The script ends this process, or has nothing left to do.
    if (await runHelper(args)) return new Promise(() => {});
  }
  if (first === "--help" || first === "-h") return run("help", []);
  if (first === "--version" || first === "-V") return run("version", rest);
  return run(first, rest);
}

async function run(name: string, args: readonly string[]): Promise<number> {
  const entry = findCommand(name);
  if (entry === undefined) return unknownCommand(name);
  const interruption = new Interruption();
  interruption.on("SIGINT");
  interruption.on("SIGTERM");
  try {
    if (entry.readsHelp === undefined && asksForHelp(args)) return await help(entry, args);
    if (entry.staysAndCarries !== undefined) {
      const { tuneCollector } = await import("./cli/collector.ts");
      tuneCollector(entry.staysAndCarries);
    }
    // Node reads its authorities in a thread, from when its TLS is loaded: for an https gateway this begins before all else.
    if (args.some((arg) => arg.startsWith("https://"))) process.getBuiltinModule?.("node:tls");
    const { command } = await entry.load();
    if (entry.handlesSighup !== true) interruption.on("SIGHUP");
    return await command.run(args, contextOf(interruption.signal, await configuration()));
  } catch (error) {
    if (interruption.signal.aborted && error instanceof Error && error.name === "AbortError") {
      return interruption.exitCode;
    }
    return report(name, args, error);
  }
}

async function help(entry: CommandEntry, args: readonly string[]): Promise<number> {
  const [{ definition }, { helpText, namedSubcommand }] = await Promise.all([
    entry.definition(),
    import("./cli/help/text.ts"),
  ]);
  stdout().write(helpText(namedSubcommand(definition, args)));
  return 0;
}

function asksForHelp(args: readonly string[]): boolean {
  const end = args.indexOf("--");
  const own = end === -1 ? args : args.slice(0, end);
  return own.includes("--help") || own.includes("-h");
}

async function unknownCommand(name: string): Promise<number> {
  const { describeUnknownCommand } = await import("./cli/failure.ts");
  for (const line of describeUnknownCommand(name, Object.keys(COMMANDS))) complain(line);
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

/** Streams are made when first asked for: a companion dials before it touches them. */
function contextOf(signal: AbortSignal, config: () => ConfigFile | undefined): CommandContext {
  return {
    env: process.env,
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
    get config() {
      return config();
    },
  };
}

/** The configuration file, read when a command asks for it. Mostly there is none, and then nothing is loaded that reads it. */
async function configuration(): Promise<() => ConfigFile | undefined> {
  const path = configFilePath(thisMachine(process.env, homedir));
  if (isMissing(path)) return () => undefined;
  const { readConfigFile } = await import("./cli/config-file.ts");
  return () => readConfigFile(path, Object.keys(COMMANDS));
}

/** What cannot be looked at is not missing: readConfigFile says what is wrong with it. */
function isMissing(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false }) === undefined;
  } catch {
    return false;
  }
}

/** The reader of our output may have gone (`sallyport list | head -1`): nothing is wrong, and nobody is left to tell. */
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

/** The first signal asks the command to end, the second one ends it. The exit code is 128 + n, as shells report it. */
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

/** Ends once stdout has taken everything, even if timers and sockets are left. */
function exit(code: number): void {
  const output = stdout();
  if (output.writableLength === 0) process.exit(code);
  output.write("", () => process.exit(code));
}

/**
 * Keeps V8's compiled code between starts (Node ≥ 22.1). Node runs what lies there, so it has to be in a directory that nobody
 * else can write to. Without one, the start is only slower.
 */
function keepCompiledCode(): void {
  // The executable brings its compiled code along.
  if (module.enableCompileCache === undefined || executable() !== undefined) return;
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
