// The real VS Code of the end-to-end tests: code-server from the package registry, with a Node of its own, in a cache
// outside the repository. Installed once (some minutes: it compiles its native parts); one run at a time installs.

import { execFileSync, type SpawnSyncReturns, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, dirname, isAbsolute, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { inOwnHome } from "./own-home.ts";

export const CODE_SERVER_VERSION = "4.139.1";
const NODE_VERSION = "24.21.0";
const WAIT_MS = 15 * 60_000;
/** Ends a probe that hangs: one that is ended for being slow would cost a second installation. */
const PROBE_MS = 5 * 60_000;
/** Says that everything arrived, and what: written last. */
const STAMP = `${JSON.stringify({ version: CODE_SERVER_VERSION, node: NODE_VERSION })}\n`;
/** Compiled on this machine: the parts that are missing or for another Node where an installation went wrong. */
const NATIVE_PARTS = ["kerberos", "@vscode/spdlog", "@vscode/sqlite3"];

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

/**
 * Comes back with one that has been seen to run. What an interrupted or failed run left is thrown away first.
 * @throws Error with the end of what npm said
 */
export async function installCodeServer(say: (line: string) => void): Promise<CodeServer> {
  const directory = join(cacheRoot(), `code-server-${CODE_SERVER_VERSION}`);
  const lock = `${directory}.lock`;
  mkdirSync(dirname(directory), { recursive: true });
  for (const deadline = Date.now() + WAIT_MS; complaint(directory) !== undefined; ) {
    if (!take(lock)) {
      if (Date.now() > deadline)
        throw new Error(`another run has held ${lock} for 15 minutes; remove it if it is dead`);
      await delay(500);
      continue;
    }
    try {
      // Between the look at what is there and the lock, another run may have finished.
      if (complaint(directory) !== undefined) install(directory, say);
    } finally {
      rmSync(lock, { force: true });
    }
  }
  return partsOf(directory);
}

function install(directory: string, say: (line: string) => void): void {
  rmSync(directory, { recursive: true, force: true });
  const [node, server] = [join(directory, "node"), join(directory, "server")];
  for (const prefix of [node, server]) mkdirSync(prefix, { recursive: true });
  say(`installing code-server ${CODE_SERVER_VERSION} into ${directory}, once, for some minutes …`);
  const person = withoutParentNpm(process.env);
  inOwnHome(person, (home) => {
    // The person's .npmrc is read all the same: it says where packages come from.
    const named = Object.keys(home).some((name) => /^npm_config_userconfig$/i.test(name));
    const env = named ? home : { ...home, npm_config_userconfig: join(homedir(), ".npmrc") };
    npm(["npm"], node, `node@${NODE_VERSION}`, env);
    // Its native parts have to be made for the Node that runs it, with the headers that came along with that one.
    const own = partsOf(directory).node;
    npm(npmUnder(own, env), server, `code-server@${CODE_SERVER_VERSION}`, {
      ...env,
      PATH: `${dirname(own)}${delimiter}${env.PATH}`,
      npm_config_nodedir: join(node, "node_modules", "node", "node_modules", `node-linux-${process.arch}`),
    });
  });
  writeFileSync(stampOf(directory), STAMP);
  const wrong = complaint(directory);
  if (wrong === undefined) return;
  rmSync(stampOf(directory));
  throw new Error(`code-server was installed and does not run: ${wrong}`);
}

function partsOf(directory: string): CodeServer {
  return {
    node: join(directory, "node", "node_modules", "node", "bin", "node"),
    entry: join(directory, "server", "node_modules", "code-server", "out", "node", "entry.js"),
  };
}

function stampOf(directory: string): string {
  return join(directory, "installed.json");
}

/** Why what is in the directory cannot be used; undefined: it can. */
function complaint(directory: string): string | undefined {
  try {
    if (readFileSync(stampOf(directory), "utf8") !== STAMP) return "it is another version";
  } catch {
    return "it is not there, or not all of it";
  }
  const { node, entry } = partsOf(directory);
  const vscode = join(dirname(entry), "..", "..", "lib", "vscode");
  const native = NATIVE_PARTS.map((part) => `require(${JSON.stringify(part)});`).join("");
  try {
    return inOwnHome(process.env, (env) => {
      const options = { cwd: vscode, env, encoding: "utf8", timeout: PROBE_MS, stdio: "pipe" } as const;
      execFileSync(node, ["--eval", native], options);
      const said = execFileSync(node, [entry, "--version"], options);
      // In a new home it says first that it has written a default configuration.
      const found = said.split("\n").some((line) => line.startsWith(`${CODE_SERVER_VERSION} `));
      return found ? undefined : `it is version ${said}`;
    });
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/**
 * The npm that runs this script describes itself to its children in the environment, and an npm below believes that of
 * itself: with `npm_config_user_agent` of a Node 20, code-server's installer refuses to run whatever Node it is on.
 * Only what says where packages come from, and how they are fetched, is passed on.
 */
function withoutParentNpm(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const kept =
    /^npm_config_(registry|(https?_?)?proxy|noproxy|ca|cafile|strict_ssl|userconfig|globalconfig|cache|fetch_.*|[@/].*)$/i;
  return Object.fromEntries(
    Object.entries(env).filter(([name]) => !/^(npm_.*|node)$/i.test(name) || kept.test(name)),
  );
}

/**
 * npm's first line may name a Node by its path: where npm is a script that can be found, it gets `node` all the same.
 */
function npmUnder(node: string, env: NodeJS.ProcessEnv): readonly [string, ...string[]] {
  const found = (env.PATH ?? "")
    .split(delimiter)
    .map((directory) => join(directory, "npm"))
    .find((path) => existsSync(path));
  const script = found === undefined ? undefined : realpathSync(found);
  return script?.endsWith(".js") ? [node, script] : ["npm"];
}

function npm(
  [program, ...first]: readonly [string, ...string[]],
  prefix: string,
  wanted: string,
  env: NodeJS.ProcessEnv,
): void {
  const flags = [
    ...["--no-audit", "--no-fund", "--no-progress", "--loglevel=error"],
    ...["--ignore-scripts=false", "--fetch-retries=5"],
  ];
  const result: SpawnSyncReturns<string> = spawnSync(
    program,
    [...first, "install", "--prefix", prefix, wanted, ...flags],
    { cwd: prefix, env, encoding: "utf8", maxBuffer: 64 * 1024 * 1024, stdio: ["ignore", "pipe", "pipe"] },
  );
  if (result.status === 0) return;
  const said = `${result.stdout ?? ""}${result.stderr ?? ""}`.trimEnd().split("\n").slice(-20).join("\n");
  throw new Error(
    `npm install ${wanted} failed (needs python3, make, g++ and libkrb5-dev)\n${result.error?.message ?? said}`,
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
