// Where `npm run release` writes: an earlier release goes away, and nothing else.

import { generateKeyPairSync } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { openRelease } from "../../../../packaging/release/release.ts";

function world() {
  const directory = mkdtempSync(join(tmpdir(), "sallyport-release-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const [key, out] = [join(directory, "key.pem"), join(directory, "out")] as const;
  const { privateKey } = generateKeyPairSync("ed25519");
  writeFileSync(key, privateKey.export({ type: "pkcs8", format: "pem" }), { mode: 0o600 });
  mkdirSync(out);
  for (const name of ["sallyport-linux-x64", "manifest.json", "manifest.json.sig", "SHA256SUMS"]) {
    writeFileSync(join(out, name), "");
  }
  const open = async () => await (await openRelease(["--out", out, "--key", key])).close();
  return { out, open };
}

test("an earlier release is taken away", async () => {
  const { out, open } = world();
  await open();
  expect(readdirSync(out)).toEqual([]);
});

test.each(["index.html", "sallyport/"])("a directory that also has %s is left alone", async (other) => {
  const { out, open } = world();
  if (other.endsWith("/")) mkdirSync(join(out, other));
  else writeFileSync(join(out, other), "");
  await expect(open()).rejects.toThrow("files that are not of a release");
  expect(readdirSync(out)).toHaveLength(5);
});
