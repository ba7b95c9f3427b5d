// Reads, writes and removes the file of a service: only one that we wrote is touched.

import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { CommandError } from "../../platform/command-error.ts";
import { errorCode } from "../../platform/error-code.ts";
import { writeWholeFile } from "../../platform/files/whole-file.ts";
import { readRecord, type ServiceRecord } from "./record.ts";

interface ServiceFile extends ServiceRecord {
  readonly text: string;
}

/**
 * undefined: there is none.
 * @throws CommandError stage `file`: foreign_file (somebody else wrote it), a code of the system
 */
export function readServiceFile(path: string): ServiceFile | undefined {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if (errorCode(error) === "ENOENT") return undefined;
    throw failure("read", path, error);
  }
  const record = readRecord(text);
  if (record !== undefined) return { ...record, text };
  throw new CommandError(
    "file",
    "foreign_file",
    `${path} was not written by \`sallyport host install-service\`, so it is left alone: move it away first.`,
  );
}

/** Replaces the file whole. @throws CommandError stage `file` */
export function writeServiceFile(path: string, text: string, mode: 0o644 | 0o755): void {
  try {
    mkdirSync(dirname(path), { recursive: true });
    // Service managers of the machine read it as root, and people may: the mode is exact.
    writeWholeFile(path, text, mode);
  } catch (error) {
    throw failure("write", path, error);
  }
}

/** @throws CommandError stage `file` */
export function removeServiceFile(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch (error) {
    throw failure("remove", path, error);
  }
}

function failure(verb: string, path: string, cause: unknown): CommandError {
  const code = errorCode(cause) ?? "EFAILED";
  return new CommandError("file", code, `Cannot ${verb} ${path} (${code}).`, { cause });
}
