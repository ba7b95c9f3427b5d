import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { lastingPath } from "../../../../agent/platform/executable.ts";

let place: string;
beforeAll(() => {
  place = mkdtempSync(join(tmpdir(), "executable-"));
  for (const version of ["1.0.0", "1.1.0"]) {
    mkdirSync(join(place, "versions", version), { recursive: true });
    writeFileSync(join(place, "versions", version, "sallyport"), "");
  }
  symlinkSync(join("versions", "1.1.0", "sallyport"), join(place, "sallyport"));
});
afterAll(() => rmSync(place, { recursive: true, force: true }));

test("the link beside the versions lasts, for the version that it leads to", () => {
  expect(lastingPath(join(place, "versions/1.1.0/sallyport"))).toBe(join(place, "sallyport"));
  const other = join(place, "versions/1.0.0/sallyport");
  expect(lastingPath(other)).toBe(other);
});

test("any other program lasts where it is", () => {
  for (const path of ["/usr/lib/sallyport/sallyport", "/nowhere/versions/1.0.0/sallyport", "/sallyport"]) {
    expect(lastingPath(path)).toBe(path);
  }
});
