// The end-to-end tests, one file after the other: they share one home directory and one machine.

import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    root: new URL("../..", import.meta.url).pathname,
    include: ["test/e2e/scenarios/**/*.test.ts"],
    setupFiles: ["test/e2e/setup/failure-screenshots.ts"],
    globalSetup: ["test/e2e/setup/extensions.ts"],
    pool: "forks",
    fileParallelism: false,
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
