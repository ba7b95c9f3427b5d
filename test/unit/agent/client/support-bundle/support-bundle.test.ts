import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { supportBundle } from "../../../../../agent/client/support-bundle/support-bundle.ts";
import { zip } from "../../../../../agent/client/support-bundle/zip.ts";
import { newWorkspaceId } from "../../../../../protocol/values/id.ts";
import { newAccessToken } from "../../../../../protocol/values/token.ts";

function directory(): string {
  const path = mkdtempSync(join(tmpdir(), "sallyport-logs-"));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

test("the archive is one that others read, with its names, contents and times", () => {
  const path = join(directory(), "logs.zip");
  const entries = [
    { name: "logs/größe.txt", content: Buffer.from("one\ntwo\n") },
    { name: "empty", content: Buffer.alloc(0) },
  ];
  writeFileSync(path, zip(entries, new Date(2026, 1, 3, 4, 5, 6)));
  // Python's reader checks every checksum; it is on every machine that builds native parts of Node.
  const script = `import sys,zipfile
z=zipfile.ZipFile(sys.argv[1])
assert z.testzip() is None
print([(i.filename,z.read(i).decode(),i.date_time) for i in z.infolist()])`;
  const read = execFileSync("python3", ["-c", script, path], {
    encoding: "utf8",
    env: { PYTHONIOENCODING: "utf8", PATH: process.env.PATH },
  });
  expect(read.trim()).toBe(
    "[('logs/größe.txt', 'one\\ntwo\\n', (2026, 2, 3, 4, 5, 6)), ('empty', '', (2026, 2, 3, 4, 5, 6))]",
  );
});

test("tokens, keys, workspace ids and the home directory stay out, and what is not there is left out", () => {
  const home = directory();
  const [token, id] = [newAccessToken(), newWorkspaceId()];
  const key = "-----BEGIN OPENSSH PRIVATE KEY-----\nc2VjcmV0\n-----END OPENSSH PRIVATE KEY-----";
  const log = join(home, "a.log");
  writeFileSync(log, `signed in with ${token} at ${home}/x for ${id}\n${key}\nend\n`);
  const entries = supportBundle({
    files: { "logs/a.log": log, "logs/b.log": join(home, "b.log") },
    texts: { "facts.json": "{}" },
    home,
  });
  expect(entries.map(({ name }) => name)).toEqual(["facts.json", "logs/a.log"]);
  const text = entries[1]?.content.toString() ?? "";
  expect(text).toBe(`signed in with spt_… at ~/x for ${id.slice(0, 7)}…\n…\nend\n`);
});

test("of a long log the end is kept", () => {
  const home = directory();
  const log = join(home, "a.log");
  writeFileSync(log, `${"x".repeat(3 * 1024 * 1024)}the end`);
  const [entry] = supportBundle({ files: { a: log }, texts: {}, home: "" });
  expect(entry?.content.length).toBe(2 * 1024 * 1024);
  expect(entry?.content.toString().endsWith("the end")).toBe(true);
  expect(readFileSync(log).length).toBeGreaterThan(3_000_000);
});
