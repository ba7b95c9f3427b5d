import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { pinHostKeys } from "../../../../../agent/client/known-hosts/ssh-command-known-hosts.ts";
import { parsePublicKey } from "../../../../../protocol/values/ssh-public-key.ts";

test("nothing is written, not even a lock, where the keys are pinned already: the directory may be read-only", async () => {
  const env = { SALLYPORT_CONFIG: mkdtempSync(join(tmpdir(), "sallyport-pins-")) };
  const key = parsePublicKey(
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJqSbUw1JamWFeKZSec3XarbFzU+qD+eGnqjuKUsR8f+",
  );
  const path = await pinHostKeys("web.gw.example", [key], env);
  // Where a lock cannot be made: as root, who may write everywhere, because it is taken.
  writeFileSync(`${path}.lock`, String(process.pid));
  const before = readdirSync(env.SALLYPORT_CONFIG);
  expect(await pinHostKeys("web.gw.example", [key], env)).toBe(path);
  expect(readdirSync(env.SALLYPORT_CONFIG)).toEqual(before);
  rmSync(env.SALLYPORT_CONFIG, { recursive: true });
});
