// `npm run test:chaos`. Arguments go to vitest. SALLYPORT_CHAOS_CUTS and SALLYPORT_CHAOS_MEGABYTES make it shorter.

import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { buildAll } from "../../scripts/build.ts";
import { ROOT } from "../../scripts/stack.ts";

await buildAll();
const vitest = join(ROOT, "node_modules", "vitest", "vitest.mjs");
const config = join(ROOT, "test", "chaos", "vitest.config.ts");
const args = [vitest, "run", "--config", config, ...process.argv.slice(2)];
process.exitCode = spawnSync(process.execPath, args, { cwd: ROOT, stdio: "inherit" }).status ?? 1;
