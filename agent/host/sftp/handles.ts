// The files and directories that one session has open. On the wire a handle is four bytes: a number that is never used
// twice in a session, so that a late request cannot hit a different file.

import { close, type Dir } from "node:fs";
import { promisify } from "node:util";
import { StatusError } from "./status.ts";
import { STATUS } from "./wire.ts";

const closeDescriptor = promisify(close);

export interface OpenFile {
  readonly kind: "file";
  readonly fd: number;
  readonly path: Buffer;
  readonly append: boolean;
}

export interface OpenDirectory {
  readonly kind: "directory";
  readonly dir: Dir;
  readonly path: Buffer;
  /** `.` and `..` are sent first; the system's iterator does not give them. */
  dotsSent: boolean;
  ended: boolean;
}

type OpenHandle = OpenFile | OpenDirectory;

export class HandleTable {
  readonly #limit: number;
  readonly #open = new Map<number, OpenHandle>();
  #next = 0;
  /** How many are open or being opened. */
  #taken = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#open.size;
  }

  /** Opens something and returns its handle in wire form. @throws StatusError at the limit, without opening anything */
  async add(acquire: () => Promise<OpenHandle>): Promise<Buffer> {
    if (this.#taken >= this.#limit) throw new StatusError(STATUS.failure, "Too many open handles");
    this.#taken++;
    try {
      const opened = await acquire();
      const number = this.#next++;
      this.#open.set(number, opened);
      const handle = Buffer.alloc(4);
      handle.writeUInt32BE(number);
      return handle;
    } catch (error) {
      this.#taken--;
      throw error;
    }
  }

  /** `missing` is the status for a handle that is not open: with sftp-server it differs by request. */
  get(number: number, missing: number = STATUS.failure): OpenHandle {
    const opened = this.#open.get(number);
    if (opened === undefined) throw new StatusError(missing, "Invalid handle");
    return opened;
  }

  file(number: number, missing: number = STATUS.failure): OpenFile {
    const opened = this.get(number, missing);
    if (opened.kind !== "file") throw new StatusError(STATUS.failure, "Not a file handle");
    return opened;
  }

  directory(number: number): OpenDirectory {
    const opened = this.get(number);
    if (opened.kind !== "directory") throw new StatusError(STATUS.failure, "Not a directory handle");
    return opened;
  }

  async close(number: number): Promise<void> {
    const opened = this.get(number, STATUS.noSuchFile);
    this.#open.delete(number);
    this.#taken--;
    await closeHandle(opened);
  }

  /** Closes all that is open, and returns the errors. */
  async closeAll(): Promise<unknown[]> {
    const results = await Promise.allSettled([...this.#open.keys()].map((number) => this.close(number)));
    return results.flatMap((result) => (result.status === "rejected" ? [result.reason] : []));
  }
}

/** The number of a handle on the wire; -1, which no handle has, for anything that this server never gave out. */
export function handleNumber(bytes: Buffer): number {
  return bytes.length === 4 ? bytes.readUInt32BE(0) : -1;
}

async function closeHandle(opened: OpenHandle): Promise<void> {
  if (opened.kind === "file") await closeDescriptor(opened.fd);
  else await opened.dir.close();
}
