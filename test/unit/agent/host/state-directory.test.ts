import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { hostStateDirectory } from "../../../../agent/host/state-directory.ts";
import type { Machine } from "../../../../agent/platform/paths.ts";

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "state-directory-"));
  writeFileSync(join(directory, "file"), "");
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const place = (name: string): string => join(directory, name);
const machine = (home: string): Machine => ({ platform: "linux", env: {}, home: place(home) });
/** A file is in the way, so that nobody can make a directory there, root neither. */
const nowhere = () => machine("file/home");

describe("the state directory of a host", () => {
  test("is the usual one where that can be made, or is there", () => {
    for (let round = 0; round < 2; round++) {
      const { path, warning } = hostStateDirectory(machine("home"), [place("unused")]);
      expect(path).toBe(place("home/.local/state/sallyport/host"));
      expect(warning).toBeUndefined();
    }
  });

  test("is the first other one that is or becomes this user's own", () => {
    mkdirSync(place("open"));
    chmodSync(place("open"), 0o777);
    mkdirSync(place("target"), { mode: 0o700 });
    symlinkSync(place("target"), place("link"));
    const places = ["missing/own", "file", "open", "link", "own", "next"].map(place);
    for (let round = 0; round < 2; round++) {
      const { path, warning } = hostStateDirectory(nowhere(), places);
      expect(path).toBe(place("own/host"));
      expect(warning).toContain(`is in ${place("own")}: keep a directory in a volume`);
    }
  });

  test("is the usual one, whose error names it, where there is no other", () => {
    const { path, warning } = hostStateDirectory(nowhere(), [place("file")]);
    expect(path).toBe(join(nowhere().home, ".local/state/sallyport/host"));
    expect(warning).toBeUndefined();
  });
});
