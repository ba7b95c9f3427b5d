// The real VS Code of the end-to-end tests: code-server from the package registry, with its own Node, in a cache
// outside the repository. It is installed once, which takes some minutes, since it compiles its native parts; one run
// at a time installs.

import { execFileSync, type SpawnSyncReturns, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, dirname, isAbsolute, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { inOwnHome } from "./own-home.ts";

export const CODE_SERVER_VERSION = "4.139.1";
const NODE_VERSION = "24.21.0";
const WAIT_MS = 15 * 60_000;
/** Ends a probe that hangs. It is long, since ending one that is only slow would cause a second installation. */
const PROBE_MS = 5 * 60_000;
/** Written last: says that the installation is complete, and which versions it has. */
const STAMP = `${JSON.stringify({ version: CODE_SERVER_VERSION, node: NODE_VERSION })}\n`;
/**
 * The parts that are compiled on this machine. After a failed installation they are missing, or made for a different
 * Node.
 */
const NATIVE_PARTS = ["kerberos", "@vscode/spdlog", "@vscode/sqlite3"];

interface CodeServer {
  readonly node: string;
  readonly entry: string;
}

/** Contains everything that is installed, and nothing else: the enclosure shows it to the tests. */
export function cacheRoot(env: NodeJS.ProcessEnv = process.env): string {
  const xdg = env.XDG_CACHE_HOME;
  const base = xdg !== undefined && isAbsolute(xdg) ? xdg : join(homedir(), ".cache");
  return join(base, "sallyport-e2e");
}

/** Returns a code-server that has been seen to run. What an interrupted or failed run left is removed first.
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
      // Another run may have finished before we got the lock.
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
    // The person's .npmrc is still read: it says where packages come from.
    const named = Object.keys(home).some((name) => /^npm_config_userconfig$/i.test(name));
    const env = named ? home : { ...home, npm_config_userconfig: join(homedir(), ".npmrc") };
    npm(["npm"], node, `node@${NODE_VERSION}`, env);
    // Its native parts must be compiled for the Node that runs it, with that Node's headers.
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

/** Why the installation cannot be used; undefined when it can. */
function complaint(directory: string): string | undefined {
  try {
    if (readFileSync(stampOf(directory), "utf8") !== STAMP) return "it is a different version";
  } catch {
    return "it is missing or incomplete";
  }
  const { node, entry } = partsOf(directory);
  const vscode = join(dirname(entry), "..", "..", "lib", "vscode");
  const native = NATIVE_PARTS.map((part) => `require(${JSON.stringify(part)});`).join("");
  try {
    return inOwnHome(process.env, (env) => {
      const options = { cwd: vscode, env, encoding: "utf8", timeout: PROBE_MS, stdio: "pipe" } as const;
      execFileSync(node, ["--eval", native], options);
      const said = execFileSync(node, [entry, "--version"], options);
      // In a new home its first line says that it has written a default configuration.
      const found = said.split("\n").some((line) => line.startsWith(`${CODE_SERVER_VERSION} `));
      return found ? undefined : `it is version ${said}`;
    });
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** The npm that runs this script describes itself in the environment, and a child npm takes that for its own: with the
 * `npm_config_user_agent` of a Node 20, code-server's installer refuses to run on any Node. Only the settings that say
 * where packages come from, and how they are fetched, are passed on.
 */
function withoutParentNpm(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const kept =
    /^npm_config_(registry|(https?_?)?proxy|noproxy|ca|cafile|strict_ssl|userconfig|globalconfig|cache|fetch_.*|[@/].*)$/i;
  return Object.fromEntries(
    Object.entries(env).filter(([name]) => !/^(npm_.*|node)$/i.test(name) || kept.test(name)),
  );
}

/** npm's first line may name a different Node by its path, so npm's script is run by `node` where it can be found. */
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

/** Takes the lock. Returns false when another run, which is alive, has it. */
function take(lock: string): boolean {
  try {
    writeFileSync(lock, String(process.pid), { flag: "wx" });
    return true;
  } catch {
    // Taken; the file contains the process id of the run that has it.
  }
  try {
    process.kill(Number(readFileSync(lock, "utf8")), 0);
  } catch (error) {
    const gone = error instanceof Error && "code" in error && error.code === "ESRCH";
    if (gone) rmSync(lock, { force: true });
  }
  return false;
}
