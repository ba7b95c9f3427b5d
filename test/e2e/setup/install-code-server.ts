// The real VS Code of the end-to-end tests: code-server from the package registry, with a Node of its own, in a cache
// outside the repository. Installed once (some minutes: it compiles its native parts); one run at a time installs.

import { type SpawnSyncReturns, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, dirname, isAbsolute, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

export const CODE_SERVER_VERSION = "4.139.1";
const NODE_VERSION = "24.21.0";
const WAIT_MS = 15 * 60_000;

export interface CodeServer {
  readonly node: string;
  readonly entry: string;
}

/** Holds everything that is installed, and only that: a test's namespace shows it read as it is. */
export function cacheRoot(env: NodeJS.ProcessEnv = process.env): string {
  const xdg = env.XDG_CACHE_HOME;
  const base = xdg !== undefined && isAbsolute(xdg) ? xdg : join(homedir(), ".cache");
  return join(base, "sallyport-e2e");
}

/** @throws Error with the end of npm's output; what was half installed is gone then */
export async function installCodeServer(say: (line: string) => void): Promise<CodeServer> {
  const directory = join(cacheRoot(), `code-server-${CODE_SERVER_VERSION}`);
  const stamp = join(directory, "installed.json");
  const lock = `${directory}.lock`;
  mkdirSync(dirname(directory), { recursive: true });
  for (const deadline = Date.now() + WAIT_MS; !existsSync(stamp); ) {
    if (!take(lock)) {
      if (Date.now() > deadline)
        throw new Error(`another run has held ${lock} for 15 minutes; remove it if it is dead`);
      await delay(500);
      continue;
    }
    try {
      // Between the look at the stamp and the lock, another run may have finished.
      if (!existsSync(stamp)) install(directory, stamp, say);
    } finally {
      rmSync(lock, { force: true });
    }
  }
  return {
    node: nodeOf(directory),
    entry: join(directory, "server", "node_modules", "code-server", "out", "node", "entry.js"),
  };
}

function install(directory: string, stamp: string, say: (line: string) => void): void {
  rmSync(directory, { recursive: true, force: true });
  const [node, server] = [join(directory, "node"), join(directory, "server")];
  for (const prefix of [node, server]) mkdirSync(prefix, { recursive: true });
  say(`installing code-server ${CODE_SERVER_VERSION} into ${directory}, once, for some minutes …`);
  npm(node, [`node@${NODE_VERSION}`], process.env);
  // Its native parts have to be made for the Node that runs it, with the headers that came along with that one.
  const own = join(node, "node_modules", "node", "node_modules", `node-linux-${process.arch}`);
  const binaries = dirname(nodeOf(directory));
  const env = { ...process.env, PATH: `${binaries}${delimiter}${process.env.PATH}`, npm_config_nodedir: own };
  npm(server, [`code-server@${CODE_SERVER_VERSION}`], env);
  writeFileSync(`${stamp}.new`, `${JSON.stringify({ version: CODE_SERVER_VERSION, node: NODE_VERSION })}\n`);
  renameSync(`${stamp}.new`, stamp);
}

function nodeOf(directory: string): string {
  return join(directory, "node", "node_modules", "node", "bin", "node");
}

function npm(prefix: string, packages: readonly string[], env: NodeJS.ProcessEnv): void {
  const flags = ["--no-audit", "--no-fund", "--no-progress", "--loglevel=error", "--ignore-scripts=false"];
  const result: SpawnSyncReturns<string> = spawnSync(
    "npm",
    ["install", "--prefix", prefix, ...packages, ...flags],
    { cwd: prefix, env, encoding: "utf8", maxBuffer: 64 * 1024 * 1024, stdio: ["ignore", "pipe", "pipe"] },
  );
  if (result.status === 0) return;
  const said = `${result.stdout ?? ""}${result.stderr ?? ""}`.trimEnd().split("\n").slice(-20).join("\n");
  throw new Error(
    `npm install ${packages.join(" ")} failed (needs python3, make, g++ and libkrb5-dev)\n${said}`,
  );
}

/** False: another run, which lives, has it. */
function take(lock: string): boolean {
  try {
    writeFileSync(lock, String(process.pid), { flag: "wx" });
    return true;
  } catch {
    // Taken: by whom, the file says.
  }
  try {
    process.kill(Number(readFileSync(lock, "utf8")), 0);
  } catch (error) {
    const gone = error instanceof Error && "code" in error && error.code === "ESRCH";
    if (gone) rmSync(lock, { force: true });
  }
  return false;
}
