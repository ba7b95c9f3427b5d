// Where this repository is, and the command line that its build makes.

import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** To run with Node. Tests start it rather than agent/cli.ts: it is what people get, and starts five times as fast. */
export const CLI = join(ROOT, "dist", "cli.js");
