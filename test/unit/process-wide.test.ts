import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

/**
 * What belongs to the whole process and is used by threads and connections that know nothing of each other. Reading
 * the umask sets it for a moment, too (umask(2)).
 */
const PROCESS_WIDE =
  /process\.(umask|chdir|setuid|setgid|seteuid|setegid|setgroups|initgroups)\b|process\.env(\.\w+|\[[^\]]+\])\s*=[^=]|Object\.assign\(process\.env/;

test("nothing process-wide is changed in a program of ours", () => {
  const found = ["agent", "gateway", "protocol", "extension"].flatMap((room) =>
    readdirSync(room, { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".ts"))
      .map((name) => join(room, name))
      .filter((path) => PROCESS_WIDE.test(readFileSync(path, "utf8"))),
  );
  expect(found).toEqual([]);
});
