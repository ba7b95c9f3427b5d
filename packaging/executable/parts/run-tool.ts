// Runs another program of this machine. What is missing is named, with what to install.

import { execFile } from "node:child_process";
import { promisify } from "node:util";

/** Debian's package for a program, where the two have different names. */
const PACKAGES: Readonly<Record<string, string>> = {
  python3: "python3 and python3-pip",
  strip: "binutils",
  readelf: "binutils",
  "aarch64-linux-gnu-strip": "binutils-aarch64-linux-gnu",
  xz: "xz-utils",
  "qemu-img": "qemu-utils",
  debugfs: "e2fsprogs",
  go: "golang (1.25 or newer)",
  "qemu-aarch64-static": "qemu-user-static",
};

export interface ToolOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
}

/** What the tool printed on stdout. @throws Error: it is missing or failed, with what it said */
export async function runTool(
  file: string,
  args: readonly string[],
  options: ToolOptions = {},
): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)(file, args, { ...options, maxBuffer: 64 * 1024 * 1024 });
    return stdout;
  } catch (cause) {
    throw new Error(whyNot(file, cause), { cause });
  }
}

/** Whether the tool is on the PATH. */
export async function hasTool(file: string): Promise<boolean> {
  try {
    await promisify(execFile)(file, ["--version"]);
    return true;
  } catch (error) {
    return !isMissing(error);
  }
}

function whyNot(file: string, cause: unknown): string {
  if (isMissing(cause)) {
    return `\`${file}\` is missing; on Debian, install ${PACKAGES[file] ?? file}`;
  }
  const said = cause instanceof Error && "stderr" in cause ? String(cause.stderr).trim() : "";
  return `\`${file}\` failed: ${said === "" ? (cause instanceof Error ? cause.message : cause) : said}`;
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}
