import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, unlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { keepRunningNote, readRunningNote } from "../../../../agent/host/running-note.ts";

const FIXED = { version: "1.2.3", startedAt: 1, gateway: "https://gateway.example", name: "box" };

function stateDirectory(): string {
  const state = mkdtempSync(join(tmpdir(), "sallyport-note-"));
  onTestFinished(() => rmSync(state, { recursive: true, force: true }));
  return state;
}

test("a note says what the host is and does, and goes with it", () => {
  const state = stateDirectory();
  const note = keepRunningNote(state, FIXED);
  note.offline("no network");
  expect(readRunningNote(state)).toEqual({ ...FIXED, pid: process.pid, online: false, why: "no network" });
  note.online();
  expect(readRunningNote(state)).toMatchObject({ online: true, why: "" });
  note.end();
  expect(readdirSync(state)).toEqual([]);
});

test.skipIf(process.platform === "win32")("what somebody else has put in its place is none", () => {
  const state = stateDirectory();
  const path = join(state, "running.json");
  writeFileSync(path, " ".repeat(20_000));
  expect(readRunningNote(state)).toBeUndefined();
  unlinkSync(path);
  execFileSync("mkfifo", [path]);
  // In a process of its own, since it would wait for ever.
  const module = new URL("../../../../agent/host/running-note.ts", import.meta.url).href;
  const script = `import { readRunningNote } from ${JSON.stringify(module)}; console.log(readRunningNote(process.argv[1]));`;
  const words = ["--input-type=module", "--no-warnings", "-e", script, state];
  expect(spawnSync(process.execPath, words, { encoding: "utf8", timeout: 20_000 }).stdout).toBe(
    "undefined\n",
  );
});
