// `npm run test:chaos`: the long forms of what test/integration/resume/ does in short.

import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    root: new URL("../..", import.meta.url).pathname,
    include: ["test/chaos/**/*.test.ts"],
    pool: "forks",
    fileParallelism: false,
    testTimeout: 3 * 3600_000,
    hookTimeout: 60_000,
  },
});
