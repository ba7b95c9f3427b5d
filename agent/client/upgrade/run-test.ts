// Starts a program to see that it runs on this machine and is the version that it should be, before it takes another one's place.

import { execFile } from "node:child_process";
import { dirname } from "node:path";
import { printable } from "../../../protocol/values/printable.ts";
import { CommandError } from "../../platform/command-error.ts";
import { errorCode } from "../../platform/error-code.ts";

/** The self-unpacking program unpacks 120 MB the first time. */
const TIMEOUT_MS = 120_000;
const MAX_OUTPUT_BYTES = 64 * 1024;

/**
 * The version that the program says it is.
 * @throws CommandError stage `file`, code `does_not_run` or `noexec`
 */
export async function versionOf(
  program: string,
  signal: AbortSignal,
  timeoutMs = TIMEOUT_MS,
): Promise<string> {
  const { error, stdout, stderr } = await run(program, signal, timeoutMs);
  if (error !== null) {
    if (errorCode(error) === "EACCES") {
      throw new CommandError(
        "file",
        "noexec",
        `No program can be run from ${dirname(program)}: is that file system mounted with noexec?`,
        { cause: error },
      );
    }
    const said = printable(stderr.trim().split("\n").at(-1) ?? "", 300);
    const why = error.killed === true ? "does not end by itself" : said === "" ? error.message : said;
    throw doesNotRun(`does not run on this machine: ${why}`, error);
  }
  const version = versionIn(stdout);
  if (version === undefined) throw doesNotRun("does not say which version it is");
  return version;
}

/** @throws CommandError as `versionOf` */
export async function expectVersion(program: string, version: string, signal: AbortSignal): Promise<void> {
  const found = await versionOf(program, signal);
  if (found !== version) throw doesNotRun(`says that it is ${printable(found, 100)}, not ${version}`);
}

function doesNotRun(what: string, cause?: unknown): CommandError {
  return new CommandError("file", "does_not_run", `The other version ${what}. Nothing was changed.`, {
    cause,
  });
}

interface Outcome {
  readonly error: (Error & { readonly killed?: boolean }) | null;
  readonly stdout: string;
  readonly stderr: string;
}

function run(program: string, signal: AbortSignal, timeoutMs: number): Promise<Outcome> {
  const options = {
    timeout: timeoutMs,
    killSignal: "SIGKILL",
    maxBuffer: MAX_OUTPUT_BYTES,
    cwd: dirname(program),
    signal,
  } as const;
  return new Promise((resolve, reject) => {
    execFile(program, ["version", "--json"], options, (error, stdout, stderr) => {
      if (signal.aborted) reject(signal.reason);
      else resolve({ error, stdout, stderr });
    });
  });
}

function versionIn(text: string): string | undefined {
  try {
    const facts: unknown = JSON.parse(text);
    const isObject = typeof facts === "object" && facts !== null && "version" in facts;
    return isObject && typeof facts.version === "string" ? facts.version : undefined;
  } catch {
    // A different program, or a page of a proxy.
    return undefined;
  }
}
