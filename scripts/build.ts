// Builds dist/ or the executable for this machine from another script.

import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { promisify } from "node:util";
import { ROOT } from "./repository.ts";

/** In silence unless it fails. `options` are those of esbuild.mjs. @throws Error with what the build printed */
export async function buildAll(signal?: AbortSignal, options: readonly string[] = []): Promise<void> {
  try {
    await promisify(execFile)(process.execPath, ["esbuild.mjs", ...options], { cwd: ROOT, signal });
  } catch (cause) {
    const said = cause instanceof Error && "stderr" in cause ? String(cause.stderr) : String(cause);
    throw new Error(`the build failed\n${said.trim()}`, { cause });
  }
}

/**
 * Makes the executable for this machine, without packages for systems, and returns its path. What it prints goes to stderr: the
 * first time it gets and compiles parts, which takes minutes. @throws Error
 */
export async function buildExecutable(signal: AbortSignal): Promise<string> {
  const system = process.platform === "win32" ? "win" : process.platform;
  const platform = `${system}-${process.arch}`;
  const release = [join(ROOT, "packaging", "release.ts"), "--programs-only", "--only", platform];
  const child = spawn(process.execPath, release, { cwd: ROOT, signal, stdio: ["ignore", 2, 2] });
  const [code]: unknown[] = await once(child, "exit");
  if (code !== 0) throw new Error("the executable could not be made");
  return join(ROOT, "release", `sallyport-${platform}${system === "win" ? ".exe" : ""}`);
}
