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
    // They end what hangs: a slow machine takes many times as long as a quick one.
    testTimeout: 15 * 60_000,
    hookTimeout: 15 * 60_000,
    expect: { poll: { timeout: 60_000 } },
  },
});
