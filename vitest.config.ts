// Unit and integration tests. What measures (test/bench/) and what drives a whole VS Code (test/e2e/) run by themselves.
// The limits here are there to end what hangs: a machine that is ten times slower is no failure.

import { homedir } from "node:os";
import { join } from "node:path";
import { defineConfig } from "vitest/config";

/**
 * What programs keep between their starts, such as compiled code, is not kept in the home of the person who runs the tests. Go keeps
 * its compiler's cache where the person has it, since it would compile for minutes without.
 */
function caches(): Record<string, string> {
  const XDG_CACHE_HOME = join(import.meta.dirname, "node_modules", ".cache", "sallyport-tests");
  if (process.platform !== "linux") return { XDG_CACHE_HOME };
  const own = process.env.XDG_CACHE_HOME || join(homedir(), ".cache");
  return { XDG_CACHE_HOME, GOCACHE: process.env.GOCACHE || join(own, "go-build") };
}

export default defineConfig({
  test: {
    // Native modules (ssh2's ciphers, the pty) are loaded once a process: worker threads would share them.
    pool: "forks",
    maxWorkers: 2,
    env: caches(),
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
