import { chmodSync, chownSync, mkdirSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { checkDirectory, checkProgram, exposedForRoot } from "../../../../../agent/client/upgrade/place.ts";
import { temporaryDirectory } from "../../../../support/fake-release.ts";

function place() {
  const above = temporaryDirectory();
  const directory = join(above, "bin");
  mkdirSync(directory);
  chmodSync(directory, 0o755);
  const program = join(directory, "sallyport");
  writeFileSync(program, "");
  return { above, directory, program, user: statSync(directory).uid };
}

test("one's own directory that nobody else can write to is fine, and a group's, too, but not for root", () => {
  const { directory, program, user } = place();
  checkProgram(program);
  chmodSync(directory, 0o775);
  if (user === 0) expect(() => checkProgram(program)).toThrow(/Others can write to .*bin/);
  else checkProgram(program);
});

test("another user's is refused, for root as well", () => {
  const { directory, user } = place();
  expect(() => checkDirectory(directory, user + 1)).toThrow(/belongs to another user/);
  if (user !== 0) expect(() => checkDirectory(directory, 0)).toThrow(/not as root/);
});

test.runIf(process.getuid?.() === 0)("for root, no directory above may be writable for others", () => {
  const { above, program } = place();
  chmodSync(above, 0o777);
  expect(() => checkProgram(program)).toThrow(`Others can write to ${above}`);
  // As /tmp: others cannot exchange what is root's.
  chmodSync(above, 0o1777);
  checkProgram(program);
});

test.runIf(process.getuid?.() === 0)(
  "what root runs is exposed by its file, its directory, or that of a link",
  () => {
    const { above, directory, program } = place();
    expect(exposedForRoot(program)).toBeUndefined();
    const link = join(above, "link");
    symlinkSync(program, link);
    expect(exposedForRoot(link)).toBeUndefined();
    chmodSync(above, 0o777);
    expect(exposedForRoot(link)).toBe(above);
    chmodSync(above, 0o755);
    chownSync(directory, 65_534, 65_534);
    expect(exposedForRoot(link)).toBe(directory);
    chownSync(program, 65_534, 65_534);
    expect(exposedForRoot(link)).toBe(program);
  },
);
