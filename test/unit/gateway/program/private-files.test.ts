import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { looseness, type OpenTo, readGuardedFile } from "../../../../gateway/program/private-files.ts";

const [SELF, ROOT, OTHER] = [1000, 0, 1001];

describe("a file is used, or the command that mends it is named", () => {
  test.each<[string, number, number, OpenTo, string | undefined]>([
    ["a key of ours", SELF, 0o600, "nobody", undefined],
    ["a key of ours that is open to its group", SELF, 0o640, "nobody", "chmod 600 k"],
    ["a key of ours that anybody may write", SELF, 0o602, "nobody", "chmod 600 k"],
    ["a key of somebody else", OTHER, 0o600, "nobody", "chown 1000 k"],
    ["a key of root that is open to its group", ROOT, 0o640, "nobody", "chmod 600 k"],
    ["a certificate's key of root that its group may read", ROOT, 0o640, "group of root", undefined],
    ["one that its group may write", ROOT, 0o660, "group of root", "chmod 640 k"],
    ["one that anybody may read", ROOT, 0o644, "group of root", "chmod 640 k"],
    ["one of ours that its group may read", SELF, 0o640, "group of root", "chmod 600 k"],
    ["a list that anybody may read", SELF, 0o644, "readers", undefined],
    ["a list that its group may write", SELF, 0o664, "readers", "chmod go-w k"],
    ["a list of somebody else", OTHER, 0o644, "readers", "chown 1000 k"],
  ])("%s", (_, uid, mode, openTo, command) => {
    const problem = looseness("k", { uid, mode: 0o100000 | mode }, openTo, SELF);
    if (command === undefined) expect(problem).toBeUndefined();
    else expect(problem).toContain(`run \`${command}\``);
  });
});

test.each([
  [OTHER, 0o600, "chown 1000 '/srv/my data/k'"],
  [SELF, 0o644, "chmod 600 '/srv/my data/k'"],
])("the command can be pasted where the path has blanks in it: %s %o", (uid, mode, command) => {
  const problem = looseness("/srv/my data/k", { uid, mode: 0o100000 | mode }, "nobody", SELF);
  expect(problem).toContain(`run \`${command}\``);
});

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "sallyport-files-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

test("a file that is open to others is not read, and the stage is named", async () => {
  const path = join(directory, "key.pem");
  writeFileSync(path, "secret", { mode: 0o600 });
  const read = () => readGuardedFile(path, "nobody", { stage: "tls", what: "The key" });
  expect(await read()).toBe("secret");
  chmodSync(path, 0o644);
  await expect(read()).rejects.toMatchObject({ stage: "tls", message: /The key is not used: .*chmod 600/ });
  rmSync(path);
  await expect(read()).rejects.toMatchObject({ stage: "tls", message: /can't be read \(ENOENT/ });
});
