// What the client is told when a request fails: the status codes that OpenSSH's sftp-server gives for the system's
// errors, with the system's own words as the message.

import { getSystemErrorMap } from "node:util";
import { errorCode } from "../../platform/error-code.ts";
import { STATUS } from "./wire.ts";

/** This server refuses a request by itself, without asking the system. */
export class StatusError extends Error {
  override readonly name = "StatusError";
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

interface Status {
  readonly status: number;
  readonly message: string;
  /** False for an error that is not an answer to a request: a bug, to be logged. */
  readonly expected: boolean;
}

const byCode: ReadonlyMap<string, number> = new Map([
  ["ENOENT", STATUS.noSuchFile],
  ["ENOTDIR", STATUS.noSuchFile],
  ["EBADF", STATUS.noSuchFile],
  ["ELOOP", STATUS.noSuchFile],
  ["EPERM", STATUS.permissionDenied],
  ["EACCES", STATUS.permissionDenied],
  ["EFAULT", STATUS.permissionDenied],
  ["ENAMETOOLONG", STATUS.badMessage],
  ["EINVAL", STATUS.badMessage],
  ["ENOSYS", STATUS.unsupported],
]);

/** The words of strerror(3) where libuv's differ in a way that people would notice. */
const words: ReadonlyMap<string, string> = new Map([
  ["EDQUOT", "Disk quota exceeded"],
  ["EISDIR", "Is a directory"],
  ["ENOSPC", "No space left on device"],
  ["EPERM", "Operation not permitted"],
]);

export function toStatus(error: unknown): Status {
  if (error instanceof StatusError) return { status: error.status, message: error.message, expected: true };
  const code = errorCode(error);
  const errno = error instanceof Error && "errno" in error ? error.errno : undefined;
  if (code === undefined || typeof errno !== "number") {
    return { status: STATUS.failure, message: "Internal error", expected: false };
  }
  const text = words.get(code) ?? getSystemErrorMap().get(errno)?.[1] ?? code;
  return {
    status: byCode.get(code) ?? STATUS.failure,
    message: text.slice(0, 1).toUpperCase() + text.slice(1),
    expected: true,
  };
}

function invalidArgument(): StatusError {
  return new StatusError(STATUS.badMessage, "Invalid argument");
}

export function permissionDenied(message = "Permission denied"): StatusError {
  return new StatusError(STATUS.permissionDenied, message);
}

/** A 64-bit offset or size of the wire as a number; files beyond 2^53 bytes do not exist. */
export function toOffset(value: bigint): number {
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw invalidArgument();
  return Number(value);
}
