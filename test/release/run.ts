// `npm run test:release`. Arguments go to vitest.

import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { buildAll } from "../../scripts/build.ts";
import { ROOT } from "../../scripts/repository.ts";

await buildAll();
const vitest = join(ROOT, "node_modules", "vitest", "vitest.mjs");
const config = join(ROOT, "test", "release", "vitest.config.ts");
const args = [vitest, "run", "--config", config, ...process.argv.slice(2)];
process.exitCode = spawnSync(process.execPath, args, { cwd: ROOT, stdio: "inherit" }).status ?? 1;
