// Writes everything that a gateway must not lose as a tar archive: also while it runs, and in containers that have no tar. Unpacked into
// an empty data directory, it is the gateway again.

import { fstatSync, lstatSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { packTar, type TarSource } from "modern-tar/fs";
import { copyDatabase, hasDatabase } from "../store/database/sqlite.ts";
import { reasonOf, StartError } from "./start-error.ts";

/**
 * What is not copied as it lies there: the lock, what each start writes, and the database, which is copied as of one
 * moment.
 */
const NOT_COPIED = /^(gateway\.lock|gateway\.db.*|public-url.*|\..*)$/;

/**
 * Ends `output` once everything is written.
 * @throws StartError stage `file`: there is no gateway's data, no room for a copy of the database, or `output` failed
 */
export async function writeBackup(dataDir: string, output: NodeJS.WritableStream): Promise<void> {
  if (!hasDatabase(dataDir)) {
    throw new StartError("file", `There is no gateway's database in ${dataDir}.`);
  }
  let temporary: string | undefined;
  try {
    // Beside the database: there is room for one, and nobody else looks in there.
    temporary = mkdtempSync(join(dataDir, ".backup-"));
    const copy = join(temporary, "gateway.db");
    copyDatabase(dataDir, copy);
    const sources: TarSource[] = [
      { type: "file", source: copy, target: "gateway.db", mode: 0o600 },
      ...filesOf(dataDir, ""),
    ];
    await pipeline(packTar(sources), output);
  } catch (error) {
    if (error instanceof StartError) throw error;
    throw new StartError("file", `The data in ${dataDir} can't be copied (${reasonOf(error)}).`, error);
  } finally {
    if (temporary !== undefined) rmSync(temporary, { recursive: true, force: true });
  }
}

/** Whether `output` goes to a file that other users can read or change, as a shell makes it. */
export function isOpenToOthers(output: NodeJS.WritableStream): boolean {
  if (process.getuid === undefined || !("fd" in output) || typeof output.fd !== "number") return false;
  const facts = fstatSync(output.fd);
  return facts.isFile() && (facts.mode & 0o077) !== 0;
}

/** Host keys, the key of sealed values, and the accounts and certificates of `--acme`; links and sockets are left out. */
function filesOf(dataDir: string, below: string): TarSource[] {
  return readdirSync(join(dataDir, below))
    .filter((name) => below !== "" || !NOT_COPIED.test(name))
    .flatMap((name): TarSource[] => {
      const target = below === "" ? name : `${below}/${name}`;
      const source = join(dataDir, target);
      const stat = lstatSync(source);
      if (stat.isDirectory()) return filesOf(dataDir, target);
      return stat.isFile() ? [{ type: "file", source, target, mode: 0o600 }] : [];
    });
}
