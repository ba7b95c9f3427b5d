// The tests: `unit` needs no other process of ours, `integration` starts gateways, hosts and real clients.
// The limits here are there to end what hangs: a machine that is ten times slower is not a failure.

import { globSync, readFileSync } from "node:fs";
import { availableParallelism, homedir } from "node:os";
import { join } from "node:path";
import { defineConfig, type TestProjectInlineConfiguration } from "vitest/config";

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

/** In a test file: it replaces a module, sets what the whole process has, or measures its memory. */
const NEEDS_A_PROCESS = /\bvi\.mock\(|\bsetDefaultCACertificates\(|\bmemoryUsage\(/;

/**
 * The tests of one folder, as two projects. Most files share a process and its modules, which Node itself loads: to load them again
 * for each file took more time than most tests. The files that would disturb others get a process each.
 */
function projects(name: string, timeout: number, globalSetup: string[]): TestProjectInlineConfiguration[] {
  const files = globSync(`test/${name}/**/*.test.ts`, { cwd: import.meta.dirname });
  const alone = files.filter((file) => NEEDS_A_PROCESS.test(readFileSync(file, "utf8")));
  const common = { testTimeout: timeout, hookTimeout: timeout, globalSetup };
  return [
    {
      extends: true,
      test: {
        ...common,
        name,
        include: [`test/${name}/**/*.test.ts`],
        exclude: alone,
        isolate: false,
        experimental: { viteModuleRunner: false, nodeLoader: false },
      },
    },
    { extends: true, test: { ...common, name: `${name}-alone`, include: alone } },
  ];
}

export default defineConfig({
  test: {
    // Native modules (ssh2's ciphers, the pty) are loaded once a process: worker threads would share them.
    pool: "forks",
    // More than two cores: many tests wait for time to pass.
    maxWorkers: Math.max(2, Math.ceil(availableParallelism() * 1.5)),
    tags: [{ name: "long", description: "test/support/long.ts" }],
    env: caches(),
    expect: { poll: { timeout: 30_000 } },
    projects: [
      ...projects("unit", 60_000, []),
      ...projects("integration", 120_000, ["test/support/built.ts"]),
    ],
  },
});
