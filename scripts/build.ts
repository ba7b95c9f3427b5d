// Builds dist/ from another script, in silence unless it fails.

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { ROOT } from "./repository.ts";

/** `options` are those of esbuild.mjs. @throws Error with what the build printed */
export async function buildAll(signal?: AbortSignal, options: readonly string[] = []): Promise<void> {
  try {
    await promisify(execFile)(process.execPath, ["esbuild.mjs", ...options], { cwd: ROOT, signal });
  } catch (cause) {
    const said = cause instanceof Error && "stderr" in cause ? String(cause.stderr) : String(cause);
    throw new Error(`the build failed\n${said.trim()}`, { cause });
  }
}
