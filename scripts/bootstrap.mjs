// Makes a fresh clone ready, then runs the script named on its command line under the repository's own Node:
//   node scripts/bootstrap.mjs [script [argument…]]
// Plain JavaScript without dependencies, because it runs first, on whatever Node (20 or newer) the machine has.
// Everything it says goes to stderr: stdout belongs to the script. With all in place it does nothing and needs
// neither npm nor the network.

import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { accessSync, constants, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const modules = join(root, "node_modules");
const stampFile = join(modules, ".bootstrap.json");
const nativeCrypto = join(modules, "ssh2", "lib", "protocol", "crypto", "build");
const lockFile = join(root, ".bootstrap.lock");
const windows = process.platform === "win32";
const node24 = join(modules, "node", "bin", windows ? "node.exe" : "node");
const [script, ...scriptArgs] = process.argv.slice(2);

if (Number.parseInt(process.versions.node, 10) < 20) {
  fail(`Node 20 or newer is needed; this is ${process.version} (${process.execPath}).`);
}
if (!onPath("ssh")) say("`ssh` is not on the PATH: install OpenSSH's client (on Debian: openssh-client).");
if (!isReady()) await prepare();
if (script !== undefined) await run(script, scriptArgs);

/** Runs in this process where it already is the right Node; otherwise in a child whose end becomes ours. */
async function run(script, args) {
  const path = resolve(root, script);
  if (process.version === `v${nodeVersion()}`) {
    process.argv.splice(1, process.argv.length - 1, path, ...args);
    await import(pathToFileURL(path).href);
    return;
  }
  const child = spawn(node24, [path, ...args], { stdio: "inherit", env: environment({ ownNode: true }) });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  child.on("error", (error) => fail(`${node24} does not start: ${error.message}`));
  child.on("exit", (code, signal) => {
    process.exitCode = code ?? (signal === "SIGINT" ? 130 : 1);
  });
}

/** One run at a time installs; others wait for it and find everything done. */
async function prepare() {
  await lock();
  try {
    if (isReady()) return;
    if (!onPath("npm")) fail("`npm` is not on the PATH: it comes with Node (on Debian: npm).");
    // An `npm install` without scripts leaves another version's binary in place, and so does `npm rebuild`.
    if (!isInstalled() || (existsSync(node24) && !hasNode())) {
      say("installing the dependencies (npm ci) …");
      npm(["ci", "--ignore-scripts", "--include=dev", "--include=optional"], "npm ci");
    }
    if (!hasNode()) {
      say(`fetching Node ${nodeVersion()} …`);
      npm(["rebuild", "node"], "npm rebuild node");
      if (!hasNode()) fail(`Node ${nodeVersion()} did not arrive in ${node24}.`);
    }
    prepareKeychain();
    const crypto = prepareCrypto();
    const stamp = JSON.stringify({ ...expectedStamp(), crypto });
    writeFileSync(`${stampFile}.${process.pid}`, `${stamp}\n`);
    renameSync(`${stampFile}.${process.pid}`, stampFile);
  } finally {
    rmSync(lockFile, { force: true });
  }
}

function isReady() {
  let stamp;
  try {
    stamp = JSON.parse(readFileSync(stampFile, "utf8"));
  } catch {
    return false; // No stamp, or half of one: look at everything again.
  }
  const expected = expectedStamp();
  if (Object.keys(expected).some((key) => stamp[key] !== expected[key])) return false;
  return existsSync(node24) && (stamp.crypto !== "no-compiler" || !hasCompiler());
}

function expectedStamp() {
  const lock = createHash("sha256")
    .update(readFileSync(join(root, "package-lock.json")))
    .digest("hex");
  return { lock, platform: process.platform, arch: process.arch };
}

/** Whether node_modules holds what the lock file names: true also after an `npm install` by hand. */
function isInstalled() {
  let have;
  try {
    have = JSON.parse(readFileSync(join(modules, ".package-lock.json"), "utf8")).packages;
  } catch {
    return false; // Nothing installed yet, or by something other than npm: `npm ci` starts over.
  }
  const want = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")).packages;
  const same = (path) => want[path]?.version === have[path]?.version;
  const needed = Object.keys(want).filter((path) => path !== "" && !want[path].optional && !want[path].peer);
  return needed.every(same) && Object.keys(have).every(same);
}

function hasNode() {
  const { stdout } = spawnSync(node24, ["--version"], { encoding: "utf8" });
  return stdout?.trim() === `v${nodeVersion()}`;
}

/** keytar ships its binary; its install script only copies it. Without one, credentials live in a 0600 file. */
function prepareKeychain() {
  if (existsSync(join(modules, "keytar", "build", "Release", "keytar.node"))) return;
  npm(["rebuild", "keytar"]);
}

/**
 * ssh2's native ciphers are compiled for one Node ABI, so they are built for Node 24, against the headers that came
 * with it. A `nodedir` in someone's ~/.npmrc would give them another Node's: the flag wins over it.
 */
function prepareCrypto() {
  if (hasNativeCrypto()) return "native";
  rmSync(nativeCrypto, { recursive: true, force: true });
  if (!hasCompiler()) {
    say("ssh2 runs without native crypto (slower): python3, make and a C++ compiler are missing.");
    return "no-compiler";
  }
  say("building ssh2's native crypto …");
  // An `npm install` of something else takes the headers away as extraneous; the binary stays.
  if (nodeHeaders() === undefined) npm(["rebuild", "node"]);
  const headers = nodeHeaders();
  npm(["rebuild", "ssh2", ...(headers === undefined ? [] : [`--nodedir=${headers}`])]);
  if (hasNativeCrypto()) return "native";
  rmSync(nativeCrypto, { recursive: true, force: true });
  say(
    "ssh2 runs without native crypto (slower): it did not build. `npm rebuild ssh2 --loglevel=info` says why.",
  );
  return "failed";
}

/**
 * Whether it loads and does not end its process: what is built with the headers of Node 24.19 to 24.21 aborts when a
 * cipher is collected while no JavaScript runs (nodejs/node#65446). No native part is better than that one.
 */
function hasNativeCrypto() {
  const binding = join(nativeCrypto, "Release", "sshcrypto.node");
  if (!existsSync(binding) || readFileSync(binding).includes("RemoveEnvironmentCleanupHook")) return false;
  const check = "process.exit(require('ssh2/lib/protocol/crypto.js').bindingAvailable ? 0 : 1)";
  return spawnSync(node24, ["-e", check], { cwd: root, stdio: "ignore" }).status === 0;
}

function nodeHeaders() {
  const names = [
    `node-${windows ? "win" : process.platform}-${process.arch}`,
    `node-bin-${process.platform}-${process.arch}`,
  ];
  return names
    .map((name) => join(modules, "node", "node_modules", name))
    .find((directory) => existsSync(join(directory, "include", "node", "node.h")));
}

function hasCompiler() {
  if (windows) return true; // node-gyp looks for Visual Studio in places of its own.
  return onPath("python3") && onPath("make") && ["c++", "g++", "clang++"].some(onPath);
}

/** Runs npm quietly; with `step`, a failure is shown and ends the run. */
function npm(args, step) {
  const flags = ["--loglevel=error", "--no-audit", "--no-fund", "--no-progress", "--fetch-retries=5"];
  if (!args.includes("--ignore-scripts")) flags.push("--ignore-scripts=false");
  const result = spawnSync("npm", [...args, ...flags], {
    cwd: root,
    env: environment({ ownNode: false }),
    stdio: ["ignore", "pipe", "pipe"],
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
    shell: windows, // npm is a .cmd file there; every argument is ours and free of spaces but for --nodedir.
  });
  if (step === undefined || (result.error === undefined && result.status === 0)) return;
  process.stderr.write(`${result.stdout ?? ""}${result.stderr ?? ""}`);
  fail(`${step} failed${result.error === undefined ? "" : `: ${result.error.message}`}.`);
}

/** npm itself must not run on the Node in node_modules, which `npm ci` deletes under it; the script must. */
function environment({ ownNode }) {
  const key = Object.keys(process.env).find((name) => name.toUpperCase() === "PATH") ?? "PATH";
  const own = join(modules, ".bin");
  const others = (process.env[key] ?? "").split(delimiter).filter((entry) => resolve(entry) !== own);
  return { ...process.env, [key]: (ownNode ? [own, ...others] : others).join(delimiter) };
}

function nodeVersion() {
  return JSON.parse(readFileSync(join(root, "package.json"), "utf8")).devDependencies.node;
}

function onPath(program) {
  const endings = windows ? [".exe", ".cmd"] : [""];
  return (process.env.PATH ?? "").split(delimiter).some((directory) =>
    endings.some((ending) => {
      try {
        accessSync(join(directory, program + ending), constants.X_OK);
        return true;
      } catch {
        return false; // Not in this directory.
      }
    }),
  );
}

/** A file with the owner's process id; one whose owner is gone is taken over. */
async function lock() {
  const deadline = Date.now() + 15 * 60 * 1000;
  for (let told = false; ; ) {
    try {
      writeFileSync(lockFile, String(process.pid), { flag: "wx" });
      process.on("exit", () => rmSync(lockFile, { force: true }));
      return;
    } catch (error) {
      if (error.code !== "EEXIST") fail(`cannot write ${lockFile}: ${error.message}`);
    }
    if (!ownerLives()) takeAway();
    else if (Date.now() > deadline)
      fail(`another run has held ${lockFile} for 15 minutes; remove it if it is dead.`);
    else {
      if (!told) say("another run is installing; waiting for it …");
      told = true;
      await new Promise((done) => setTimeout(done, 200));
    }
  }
}

function ownerLives() {
  let owner;
  try {
    owner = Number(readFileSync(lockFile, "utf8"));
  } catch {
    return true; // Just released: the next try to take it tells.
  }
  if (!Number.isInteger(owner) || owner <= 0) return true; // Being written this moment.
  try {
    process.kill(owner, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}

/** By rename, so that of two waiting runs only one takes a dead owner's lock away. */
function takeAway() {
  const aside = `${lockFile}.${process.pid}`;
  try {
    renameSync(lockFile, aside);
    rmSync(aside, { force: true });
  } catch {
    // The other one was faster.
  }
}

function say(text) {
  process.stderr.write(`sallyport: ${text}\n`);
}

function fail(text) {
  say(text);
  process.exit(1);
}
