import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { rawArguments, startable } from "../../../../../agent/client/ssh-command/raw-arguments.ts";
import { textOf } from "../../../../../protocol/values/byte-text.ts";

const ODD = textOf(Buffer.from([0x6c, 0xe4, 0x74]));
const MODULE = fileURLToPath(
  new URL("../../../../../agent/client/ssh-command/raw-arguments.ts", import.meta.url),
);

describe("arguments that are not UTF-8", () => {
  test.skipIf(!existsSync("/proc/self/cmdline"))(
    "reach the program that is started with them as they came",
    () => {
      const script = `
      import { spawnSync } from "node:child_process";
      import { rawArguments, startable } from ${JSON.stringify(MODULE)};
      const words = ["%s|", ...rawArguments(process.argv.slice(1))];
      process.stdout.write(spawnSync(...startable("printf", words)).stdout);
    `;
      const { stdout } = spawnSync("/bin/sh", [
        ...["-c", `exec "$0" --input-type=module -e "$1" -- "$(printf 'l\\344t')" plain "a b" ä "*" ""`],
        ...[process.execPath, script],
      ]);
      expect(textOf(stdout)).toBe(`${ODD}|plain|a b|ä|*||`);
    },
  );

  test("are taken from a command line that is this one, and from no other", () => {
    const line =
      (...words: string[]) =>
      () =>
        words.map((word) => Buffer.from(word, "latin1"));
    expect(rawArguments(["l\ufffdt", "x"], line("node", "cli", "l\xe4t", "x"))).toEqual([ODD, "x"]);
    expect(rawArguments(["l\ufffdt"], line("node", "another"))).toEqual(["l\ufffdt"]);
    expect(rawArguments(["l\ufffdt"], () => undefined)).toEqual(["l\ufffdt"]);
    expect(rawArguments(["plain"], line("never", "asked"))).toEqual(["plain"]);
  });

  test("need a shell, and others do not", () => {
    expect(startable("ssh", ["a", "ä"])).toEqual(["ssh", ["a", "ä"]]);
    expect(startable("ssh", [ODD])[0]).toBe("/bin/sh");
  });
});
