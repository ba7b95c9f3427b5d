// `npm run release:check`: makes the programs for all platforms and checks those too that do not run here.

import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { PLATFORMS } from "../protocol/release/manifest.ts";
import { ROOT } from "../scripts/repository.ts";

const directory = join(ROOT, "node_modules", ".cache", "sallyport-release", "check");
const flags = ["--programs-only", "--draft", "--out", directory];
const isMade = run("packaging/release.ts", ...flags);
const vitest = ["node_modules/vitest/vitest.mjs", "run", "--config", "test/release/vitest.config.ts"];
if (!isMade || !run(...vitest, "test/release/foreign")) {
  process.exitCode = 1;
} else {
  const foreign = PLATFORMS.filter((platform) => /^(darwin|win)/.test(platform));
  process.stdout.write(`checked by parsing, and not run here: ${foreign.join(", ")}\n`);
}

function run(...args: string[]): boolean {
  const env = { ...process.env, SALLYPORT_RELEASE: directory };
  return spawnSync(process.execPath, args, { cwd: ROOT, stdio: "inherit", env }).status === 0;
}
