import { mkdirSync, readdirSync, readFileSync, realpathSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { formerOf, replaceFile, replaceLink } from "../../../../../agent/client/upgrade/replace.ts";
import { temporaryDirectory } from "../../../../support/fake-release.ts";

function place() {
  const directory = temporaryDirectory();
  const work = join(directory, "work");
  mkdirSync(work);
  return { directory, work, read: (name: string) => readFileSync(join(directory, name), "utf8") };
}

test("on Windows a running program is renamed away, and those of earlier upgrades are removed", () => {
  const { directory, work, read } = place();
  const program = join(directory, "sallyport.exe");
  writeFileSync(program, "1");
  for (const version of ["2", "3"]) {
    writeFileSync(join(work, "new"), version);
    replaceFile(program, join(work, "new"), work, "win32");
  }
  expect(read("sallyport.exe")).toBe("3");
  expect(read("sallyport.exe.old")).toBe("2");
  expect(readdirSync(directory)).toEqual(["sallyport.exe", "sallyport.exe.old", "work"]);
});

test("on Windows the program comes back if the other one cannot take its place", () => {
  const { directory, work, read } = place();
  const program = join(directory, "sallyport.exe");
  writeFileSync(program, "1");
  expect(() => replaceFile(program, join(work, "missing"), work, "win32")).toThrow("ENOENT");
  expect(read("sallyport.exe")).toBe("1");
});

test("on Windows the link is one to a directory", () => {
  const { directory, work } = place();
  const versions = ["1", "2", "3"].map((version) => join(directory, "versions", version));
  for (const version of versions) mkdirSync(version, { recursive: true });
  const link = join(directory, "current");
  symlinkSync(join(directory, "versions", "1"), link);
  for (const version of versions.slice(1)) replaceLink(link, version, work, "win32");
  expect(realpathSync(link)).toBe(realpathSync(join(directory, "versions", "3")));
  expect(realpathSync(formerOf(link))).toBe(realpathSync(join(directory, "versions", "2")));
  expect(readdirSync(work)).toEqual([]);
});
