// What a system error means that ends the writing of files, and what to do about it.

import { CommandError } from "../../platform/command-error.ts";
import { errorCode } from "../../platform/error-code.ts";

/** Runs `work`, which writes below `path`. @throws CommandError stage `file` and the system's code */
export function writing<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw cannotWrite(path, error);
  }
}

export function cannotWrite(path: string, error: unknown): CommandError {
  const code = errorCode(error) ?? "EUNKNOWN";
  return new CommandError("file", code, `Cannot write ${path}: ${advice(code, error)}.`, { cause: error });
}

function advice(code: string, error: unknown): string {
  switch (code) {
    case "ENOSPC":
    case "EDQUOT":
    case "EFBIG":
      return "the disk is full, or you may not write so much: make room, then try again";
    case "EROFS":
      return "the file system is read-only: upgrade where it is made, such as in the image";
    case "EACCES":
    case "EPERM":
      return "you may not write there: run it as the user who installed it";
    default:
      return error instanceof Error ? error.message : String(error);
  }
}
