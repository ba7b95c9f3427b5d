// `npm run test:release`: what `npm run release` made, as people use it. Make one first (docs/releasing.md).

import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    root: new URL("../..", import.meta.url).pathname,
    include: ["test/release/**/*.test.ts"],
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 5 * 60_000,
    hookTimeout: 10 * 60_000,
    expect: { poll: { timeout: 60_000 } },
  },
});
