import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { command } from "../../../../gateway/program/command.ts";

test.each([[["make"]], [["--activate"]], [["rotate", "--activate", "--forget-former"]], [["rotate", "now"]]])(
  "gateway host-keys %j is wrong usage, and makes no keys",
  async (args) => {
    const dataDir = mkdtempSync(join(tmpdir(), "sallyport-usage-"));
    const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
    const { signal } = new AbortController();
    try {
      await expect(
        command.run(["host-keys", ...args, "--data", dataDir], { env: {}, stdin, stdout, stderr, signal }),
      ).rejects.toMatchObject({ name: "UsageError" });
      expect(readdirSync(dataDir)).toEqual([]);
    } finally {
      rmSync(dataDir, { recursive: true });
    }
  },
);
