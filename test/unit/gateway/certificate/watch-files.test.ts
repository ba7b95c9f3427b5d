import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { watchFiles } from "../../../../gateway/certificate/watch-files.ts";

let directory: string;
let changes: number;
let watched: { stop(): void };
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "sallyport-watch-"));
  changes = 0;
});
afterEach(() => {
  watched.stop();
  rmSync(directory, { recursive: true, force: true });
});

function watch(...files: string[]): void {
  watched = watchFiles(files, () => changes++, 10);
}

/** Node takes a file's first look at some later time, so a change is made until one is noticed. */
async function noticed(change: (round: number) => void): Promise<void> {
  const before = changes;
  let round = 0;
  await expect
    .poll(() => {
      change(round++);
      return changes;
    })
    .toBeGreaterThan(before);
}

test("files that are written again, or replaced by others, are noticed", async () => {
  const [cert, key] = [join(directory, "cert.pem"), join(directory, "key.pem")];
  writeFileSync(cert, "one");
  writeFileSync(key, "one");
  watch(cert, key);
  await noticed((round) => writeFileSync(cert, `${round}`));
  await noticed((round) => {
    writeFileSync(join(directory, "new"), `${round}`);
    renameSync(join(directory, "new"), key);
  });
});

test("a mounted secret, whose directory is swapped behind a link, is noticed", async () => {
  // As the kubelet does it: tls.crt -> ..data/tls.crt, ..data -> ..2026_01.
  const versions = ["..2026_01", "..2026_02"];
  for (const version of versions) {
    mkdirSync(join(directory, version));
    writeFileSync(join(directory, version, "tls.crt"), "same length");
  }
  symlinkSync("..2026_01", join(directory, "..data"));
  symlinkSync("..data/tls.crt", join(directory, "tls.crt"));
  watch(join(directory, "tls.crt"));
  await noticed((round) => {
    symlinkSync(versions[(round + 1) % 2] ?? "", join(directory, "..data_tmp"));
    renameSync(join(directory, "..data_tmp"), join(directory, "..data"));
  });
});
