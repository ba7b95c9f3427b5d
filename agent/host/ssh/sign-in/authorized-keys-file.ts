// Reads one authorized_keys file of the host into rules per key, and reports by line what it cannot use.

import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { ProtocolError } from "../../../../protocol/errors.ts";
import { parsePublicKey } from "../../../../protocol/values/ssh-public-key.ts";
import { errorCode } from "../../../platform/error-code.ts";
import { KeyOptionError, type KeyRule, parseKeyOptions } from "./key-options.ts";
import { looseModes } from "./strict-modes.ts";

export interface KeyProblem {
  readonly file: string;
  /** From 1; undefined: the whole file. */
  readonly line: number | undefined;
  readonly message: string;
}

/** What one line says about its key. */
interface FileEntry {
  readonly fingerprint: string;
  /** undefined: the line has options that are not supported, so the key is not allowed. */
  readonly rule: KeyRule | undefined;
}

export interface KeysFile {
  /** By the key's wire form, base64; a key may have several lines. */
  readonly entries: ReadonlyMap<string, readonly FileEntry[]>;
  readonly problems: readonly KeyProblem[];
}

const EMPTY: KeysFile = { entries: new Map(), problems: [] };
const MAX_FILE_BYTES = 4 * 1024 * 1024;
/** A file that changed less than this ago (ms) may be half written. */
const SETTLE_MS = 150;
const MAX_READS = 3;

/**
 * A file allows no key where it is missing or unreadable, or where others may write to it or replace it.
 * @param isChanging a writer may be at work: missing and fresh files are read again a moment later
 */
export async function readKeysFile(path: string, isChanging: boolean): Promise<KeysFile> {
  for (let read = isChanging ? 1 : MAX_READS; ; read++) {
    const text = await readSettled(path, read === MAX_READS);
    if (typeof text === "string") return parseKeysFile(path, text);
    if (text !== undefined) return { ...EMPTY, problems: [text] };
    if (read === MAX_READS) return EMPTY;
    await delay(SETTLE_MS);
  }
}

function parseKeysFile(file: string, text: string): KeysFile {
  const entries = new Map<string, FileEntry[]>();
  const problems: KeyProblem[] = [];
  for (const [index, raw] of text.split(/\r?\n/).entries()) {
    const content = raw.trim();
    if (content === "" || content.startsWith("#")) continue;
    const problem = (message: string) => problems.push({ file, line: index + 1, message });
    try {
      const key = parsePublicKey(content);
      const entry = { fingerprint: key.fingerprint, rule: ruleOf(key.options, problem) };
      entries.set(key.blob, [...(entries.get(key.blob) ?? []), entry]);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      problem(error.message);
    }
  }
  return { entries, problems };
}

function ruleOf(options: string, problem: (message: string) => void): KeyRule | undefined {
  try {
    return parseKeyOptions(options);
  } catch (error) {
    if (!(error instanceof KeyOptionError)) throw error;
    problem(`The key is refused: ${error.message}.`);
    return undefined;
  }
}

/** undefined: missing or just being written, so worth another read. */
async function readSettled(path: string, isLast: boolean): Promise<string | KeyProblem | undefined> {
  const problem = (message: string) => ({ file: path, line: undefined, message });
  let handle: FileHandle | undefined;
  try {
    // Non-blocking, since opening a named pipe would wait for a writer.
    handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const stat = await handle.stat();
    if (!stat.isFile()) return problem("It is not a file: its keys are not used.");
    if (stat.size > MAX_FILE_BYTES) return problem("It is larger than 4 MiB: its keys are not used.");
    const loose = await looseModes(path, stat);
    if (loose !== undefined) return problem(loose);
    if (!isLast && Date.now() - stat.mtimeMs < SETTLE_MS) return undefined;
    return await handle.readFile("utf8");
  } catch (error) {
    const code = errorCode(error);
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    return problem(`It cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  } finally {
    await handle?.close();
  }
}
