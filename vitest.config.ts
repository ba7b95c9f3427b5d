// Unit and integration tests. What measures (test/bench/) and what drives a whole VS Code (test/e2e/) run by themselves.
// The limits here are there to end what hangs: a machine that is ten times slower is no failure.

import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    // Native modules (ssh2's ciphers, the pty) are loaded once a process: worker threads would share them.
    pool: "forks",
    maxWorkers: 2,
    expect: { poll: { timeout: 30_000 } },
    projects: [
      {
        extends: true,
        test: {
          name: "unit",
          include: ["test/unit/**/*.test.ts"],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          name: "integration",
          include: ["test/integration/**/*.test.ts"],
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
