// `npm test`: format, lint, types and unused exports side by side, then the tests (which build dist/ first).
//   npm test                 all of it, except tests that are tagged `long`
//   npm run test:all         those too, as in CI
//   npm test -- --changed    checks what differs from main: seconds, for the inner loop
// Other arguments go to vitest.

import { spawn } from "node:child_process";
import { join } from "node:path";
import { findChange } from "./changed-tests.ts";
import { ROOT } from "./repository.ts";

interface Check {
  readonly name: string;
  readonly command: readonly [string, ...string[]];
}

const modules = join(ROOT, "node_modules");
const NODE = process.execPath;
const BIOME: Check["command"] = [
  NODE,
  join(modules, "@biomejs", "biome", "bin", "biome"),
  "ci",
  "--no-errors-on-unmatched",
];
/** Of a folder with a tsconfig.json: web/ is for browsers, the rest for Node. */
const types = (folder: string, cache: string): Check["command"] => [
  NODE,
  join(modules, "typescript", "bin", "tsc"),
  ...["-p", folder, "--incremental", "--tsBuildInfoFile", join(modules, ".cache", cache)],
];
const TYPES: readonly Check[] = [
  { name: "types", command: types(".", "types.tsbuildinfo") },
  { name: "types of web/", command: types("web", "web-types.tsbuildinfo") },
];
/** What is exported and imported nowhere, files that nothing uses, dependencies that are missing or too many: knip.json. */
const UNUSED: Check["command"] = [NODE, join(modules, "knip", "bin", "knip.js"), "--no-progress"];
const VITEST: Check["command"] = [NODE, join(modules, "vitest", "vitest.mjs"), "run"];

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  const own = new Set(["--all", "--changed"]);
  const rest = args.filter((arg) => !own.has(arg));
  const tests = [...rest, ...(args.includes("--all") ? [] : ["--tags-filter", "!long"])];
  if (!args.includes("--changed")) {
    const sound = await all([
      { name: "format and lint", command: [...BIOME, "."] },
      ...TYPES,
      { name: "unused exports", command: UNUSED },
    ]);
    return sound ? await status([...VITEST, ...tests], "inherit") : 1;
  }
  const change = await findChange();
  if (change.files.length === 0) return 0;
  const sound = await all([{ name: "format and lint", command: [...BIOME, ...change.files] }, ...TYPES]);
  if (!sound || change.tests.length === 0) return sound ? 0 : 1;
  return await status([...VITEST, ...tests, ...change.tests], "inherit");
}

/** Runs them side by side and shows what each one printed, where it failed, in one piece. */
async function all(checks: readonly Check[]): Promise<boolean> {
  const codes = checks.map(async ({ name, command }) => {
    const start = performance.now();
    const said: Buffer[] = [];
    const code = await status(command, said);
    process.stderr.write(
      `${code === 0 ? "✓" : "✗"} ${name}  ${((performance.now() - start) / 1000).toFixed(1)} s\n`,
    );
    if (code !== 0) process.stderr.write(Buffer.concat(said));
    return code;
  });
  return (await Promise.all(codes)).every((code) => code === 0);
}

/** The exit status; what the command prints goes to `output`. */
function status(command: Check["command"], output: Buffer[] | "inherit"): Promise<number> {
  const [file, ...args] = command;
  const stdio = output === "inherit" ? ("inherit" as const) : (["ignore", "pipe", "pipe"] as const);
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { cwd: ROOT, stdio: typeof stdio === "string" ? stdio : [...stdio] });
    if (output !== "inherit")
      for (const stream of [child.stdout, child.stderr]) stream?.on("data", (part) => output.push(part));
    child.once("error", reject);
    child.once("close", (code) => resolve(code ?? 1));
  });
}
