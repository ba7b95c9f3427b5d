// The release that a gateway offers for download: a directory with a manifest and the files that it names (protocol/release/).
// Nothing else in there is reachable, and no file whose bytes are not those of the manifest. A release that is put in the
// place of another is noticed without a restart. Clients check the manifest's signature themselves: it may be of keys that
// this gateway's program does not know.

import { createHash } from "node:crypto";
import { type BigIntStats, constants } from "node:fs";
import { type FileHandle, open, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Logger } from "pino";
import { ProtocolError } from "../../../protocol/errors.ts";
import {
  MANIFEST_FILE,
  MAX_MANIFEST_SIZE,
  parseManifest,
  type ReleaseFile,
  type ReleaseManifest,
  SIGNATURE_FILE,
} from "../../../protocol/release/manifest.ts";

export interface Release {
  readonly manifest: ReleaseManifest;
  /** As signed. */
  readonly manifestBytes: Buffer;
  /** undefined: there is none beside the manifest. */
  readonly signature: Buffer | undefined;
}

export interface OpenFile {
  readonly file: ReleaseFile;
  /** The caller closes it. */
  readonly handle: FileHandle;
}

interface ReleaseDirectoryOptions {
  readonly directory: string;
  readonly log: Logger;
  /** Checks every file when a release appears, and not only when somebody wants it: one process of a gateway does so. */
  readonly inAdvance: boolean;
  /** How long a look at the directory is good for. */
  readonly recheckMs?: number;
}

const RECHECK_MS = 1_000;
/** How often a release is looked for that nobody asks for. */
const LOOK_MS = 10_000;
const MAX_SIGNATURE_SIZE = 1_024;
const READ_SIZE = 256 * 1024;

export class ReleaseDirectory {
  readonly #options: ReleaseDirectoryOptions;
  readonly #look: NodeJS.Timeout | undefined;
  #release: Release | undefined;
  /** Which files `#release` was read from; undefined: none was looked for. */
  #identity: string | undefined;
  #reading: Promise<void> | undefined;
  #readAt = Number.NEGATIVE_INFINITY;
  /** By name: whether the file of this identity has the manifest's digest. */
  #checks = new Map<string, { identity: string; isGenuine: Promise<boolean> }>();
  #closed = false;

  constructor(options: ReleaseDirectoryOptions) {
    this.#options = options;
    if (!options.inAdvance) return;
    void this.current();
    this.#look = setInterval(() => void this.current(), LOOK_MS);
    this.#look.unref();
  }

  /** The release that is there now; undefined: there is none, or it cannot be read, as the log says. */
  async current(): Promise<Release | undefined> {
    if (performance.now() - this.#readAt >= (this.#options.recheckMs ?? RECHECK_MS)) {
      this.#reading ??= this.#read().finally(() => {
        this.#reading = undefined;
        this.#readAt = performance.now();
      });
    }
    await this.#reading;
    return this.#release;
  }

  /**
   * Opens a file of the release whose bytes were seen to be those of the manifest.
   * @throws ProtocolError not_found
   */
  async open(name: string): Promise<OpenFile> {
    const file = (await this.current())?.manifest.files.find((known) => known.name === name);
    if (file === undefined) throw new ProtocolError("not_found", "The gateway's release has no such file.");
    const handle = await openFile(join(this.#options.directory, name)).catch((cause: unknown) => {
      throw new ProtocolError("not_found", `The gateway's release lacks its file ${name}.`, { cause });
    });
    try {
      if (await this.#isGenuine(file, handle)) return { file, handle };
    } catch (error) {
      await handle.close();
      throw error;
    }
    await handle.close();
    throw new ProtocolError(
      "not_found",
      `The gateway's file ${name} is not the one that its release names, and is not served. Its log says more.`,
    );
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#look);
  }

  async #read(): Promise<void> {
    const { directory, log, inAdvance } = this.#options;
    const [manifestPath, signaturePath] = [join(directory, MANIFEST_FILE), join(directory, SIGNATURE_FILE)];
    const identity = (await Promise.all([manifestPath, signaturePath].map(identityAt))).join(" ");
    if (identity === this.#identity) return;
    this.#identity = identity;
    this.#checks = new Map();
    try {
      const manifestBytes = await readBounded(manifestPath, MAX_MANIFEST_SIZE);
      const manifest = parseManifest(manifestBytes);
      const signature = await readBounded(signaturePath, MAX_SIGNATURE_SIZE).catch(() => undefined);
      this.#release = { manifest, manifestBytes, signature };
      log.info(
        { version: manifest.version, files: manifest.files.length },
        "A release is offered for download.",
      );
      if (inAdvance) void this.#checkAll(this.#release);
    } catch (error) {
      this.#release = undefined;
      const why = error instanceof Error ? error.message : String(error);
      log.warn(
        { directory, why },
        "There is no release to download in the directory of --downloads: `npm run release -- --out DIR` makes one.",
      );
    }
  }

  /** One after the other, so that requests are answered in between. */
  async #checkAll(release: Release): Promise<void> {
    for (const { name } of release.manifest.files) {
      if (this.#closed || this.#release !== release) return;
      try {
        await (await this.open(name)).handle.close();
      } catch (error) {
        if (!(error instanceof ProtocolError && error.cause !== undefined)) continue; // It is logged already.
        this.#options.log.warn(
          { file: name, why: String(error.cause) },
          "A file of the release cannot be read.",
        );
      }
    }
  }

  async #isGenuine(file: ReleaseFile, handle: FileHandle): Promise<boolean> {
    const found = await handle.stat({ bigint: true });
    const identity = identityOf(found);
    const known = this.#checks.get(file.name);
    if (known?.identity === identity) return await known.isGenuine;
    const isGenuine = this.#check(file, found, handle);
    this.#checks.set(file.name, { identity, isGenuine });
    // A failure to read is no finding.
    isGenuine.catch(() => this.#checks.delete(file.name));
    return await isGenuine;
  }

  async #check(file: ReleaseFile, found: BigIntStats, handle: FileHandle): Promise<boolean> {
    const isGenuine =
      found.isFile() && found.size === BigInt(file.size) && (await sha256Of(handle)) === file.sha256;
    if (!isGenuine) {
      const { log } = this.#options;
      log.error({ file: file.name }, "This file is not the one that the manifest names, and is not served.");
    }
    return isGenuine;
  }
}

async function sha256Of(handle: FileHandle): Promise<string> {
  const hash = createHash("sha256");
  const buffer = Buffer.alloc(READ_SIZE);
  for (let position = 0; ; ) {
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, position);
    if (bytesRead === 0) return hash.digest("hex");
    hash.update(buffer.subarray(0, bytesRead));
    position += bytesRead;
  }
}

/** Does not wait for somebody to write into a pipe, which would keep one of few threads. */
async function openFile(path: string): Promise<FileHandle> {
  return await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
}

async function readBounded(path: string, most: number): Promise<Buffer> {
  const handle = await openFile(path);
  try {
    const found = await handle.stat();
    if (!found.isFile()) throw new Error(`${path} is not a file`);
    if (found.size > most) throw new Error(`${path} is longer than ${most} bytes`);
    return await handle.readFile();
  } finally {
    await handle.close();
  }
}

async function identityAt(path: string): Promise<string> {
  try {
    return identityOf(await stat(path, { bigint: true }));
  } catch {
    return "none"; // Whatever the reason: reading it says so.
  }
}

/** Differs when a file was changed or replaced. */
function identityOf({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return [dev, ino, size, mtimeNs, ctimeNs].join(":");
}
