import { execFileSync, spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import { describe, expect, test } from "vitest";
import { afterPrelude, withPrelude } from "../../../../../../agent/host/ssh/prelude/prelude.ts";
import {
  type PreludeShell,
  preludeShell,
  withoutBash,
} from "../../../../../../agent/host/ssh/prelude/prelude-shell.ts";
import { textOf } from "../../../../../../protocol/values/byte-text.ts";

const SHELLS: readonly (readonly [string, string, () => PreludeShell])[] = [
  ["bash", "/bin/bash", () => preludeShell("/bin/bash")],
  ["dash", "/bin/dash", () => withoutBash("/bin/dash")],
  ["busybox", "/bin/busybox", () => withoutBash("/bin/busybox", "sh")],
];

describe.each(SHELLS)("the prelude of a session's process, in %s", (kind, path, shell) => {
  if (!existsSync(path)) return void test.skip(`${path} is not installed`, () => {});

  function bytes(
    args: readonly string[],
    { argv0 = "sh", environment = {}, file = "/bin/dash", openFiles }: Setup = {},
  ): Buffer {
    const prelude = withPrelude(
      {
        file,
        argv0,
        args,
        cwd: "/",
        openFiles,
        environment: { PATH: process.env.PATH ?? "", ...environment },
      },
      undefined,
      shell(),
    );
    const stdio = ["ignore", "pipe", "inherit"] as const;
    return execFileSync(prelude.file, prelude.args, {
      env: { ...prelude.environment },
      cwd: "/",
      stdio: [...stdio],
    });
  }
  const run = (args: readonly string[], setup?: Setup): string => bytes(args, setup).toString();

  test("passes arguments on unchanged", () => {
    const odd = ["a b", "*", "--", "$(x)", "", "'\"\\", "-x"];
    expect(run(["-c", 'printf "<%s>" "$@"', "name", ...odd])).toBe(odd.map((word) => `<${word}>`).join(""));
  });

  test("passes every byte on as it was sent, in commands of any length and in variables", () => {
    const every = Buffer.from(Array.from({ length: 255 }, (_, index) => index + 1));
    const texts = [
      every,
      Buffer.concat([every, Buffer.from("\n\n")]),
      Buffer.from([0xe4]),
      Buffer.from("-n %s \\101 ä\xff"),
    ];
    const long = textOf(Buffer.concat(Array.from({ length: 400 }, () => every)));
    const words = [...texts.map(textOf), "plain", "", "--", "p", long];
    const shown = bytes(["-c", 'printf "%s\\0" "$@"; printf "%s|%s" "$ODD" "$LANG"', "name", ...words], {
      environment: { ODD: textOf(Buffer.from("l\xe4t\n", "latin1")), LANG: textOf(Buffer.from([0xff])) },
    });
    const expected = [...words.map((word) => `${word}\0`), textOf(Buffer.from("l\xe4t\n|\xff", "latin1"))];
    expect(textOf(shown) === expected.join("")).toBe(true);
  });

  test("passes variables on unchanged, including the locale", () => {
    const environment = { LC_TIME: "xx_YY", LANG: "C $(x) *", OTHER: "-- 'q' \n2" };
    expect(run(["-c", 'printf "%s|%s|%s" "$LC_TIME" "$LANG" "$OTHER"'], { environment })).toBe(
      "xx_YY|C $(x) *|-- 'q' \n2",
    );
  });

  test("adds nothing to the environment, changes nothing in it and obeys none of it", () => {
    const environment = {
      ...Object.fromEntries([..."abcdefghijklmnopqrstuvwxyz"].map((name) => [name, `value of ${name}`])),
      GLOBIGNORE: "/proc/self/fd/*:/dev/fd/*",
      POSIXLY_CORRECT: "1",
      TIMEFORMAT: "x",
      HISTFILE: "/x",
      COLUMNS: "7",
      name: "x",
      file: "x",
      argv0: "x",
      LC_ALL: "xx_YY",
      PATH: "/usr/bin:/bin",
    };
    // env(1) itself, since shells add variables of their own.
    const shown = run(["-0"], { environment, file: "/usr/bin/env", argv0: "env" });
    expect(Object.fromEntries(shown.split("\0").filter(Boolean).map(nameAndValue))).toEqual(environment);
  });

  test("sets the given limit of open files", () => {
    expect(run(["-c", "ulimit -S -n; ulimit -H -n"], { openFiles: 123 }).split("\n")[0]).toBe("123");
    expect(run(["-c", "ulimit -H -n"], { openFiles: 123 })).toBe(run(["-c", "ulimit -H -n"]));
  });

  test("leaves no signal ignored", () => {
    expect(run(["SigIgn", "/proc/self/status"], { file: "/bin/grep", argv0: "grep" })).toMatch(/:\s0+\n/);
  });

  test("makes a login shell of a program that is named as one", () => {
    const login = ["-c", "shopt -q login_shell && echo yes"];
    expect(run(login, { file: "/bin/bash", argv0: "-bash", environment: { HOME: "/nonexistent" } })).toBe(
      "yes\n",
    );
  });

  test.skipIf(kind === "dash")("names the process", () => {
    expect(run(["-c", "echo $0"], { argv0: "some-name" })).toBe("some-name\n");
  });
});

test.skipIf(process.platform !== "linux")(
  "afterPrelude resolves when the prelude has become the process, and not before",
  async () => {
    const prelude = withPrelude(
      { file: "/bin/sleep", argv0: "sleep", args: ["300"], cwd: "/", openFiles: undefined, environment: {} },
      undefined,
    );
    // The same command line, except that it waits until the test writes to it.
    const script = prelude.args.map((word) =>
      word.includes("SALLYPORT_ARGV0") ? `read -r go; ${word}` : word,
    );
    const child = spawn(prelude.file, script, { env: {}, stdio: ["pipe", "ignore", "inherit"] });
    const { pid = 0 } = child;
    const name = () => readFileSync(`/proc/${pid}/comm`, "utf8").trim();
    try {
      let ended = false;
      const end = afterPrelude(pid).then(() => {
        ended = true;
        return name();
      });
      await expect.poll(name).toBe(basename(prelude.file));
      await new Promise((resolve) => setTimeout(resolve, 50));
      expect(ended).toBe(false);
      child.stdin.end("\n");
      expect(await end).toBe("sleep");
    } finally {
      child.kill("SIGKILL");
    }
  },
);

interface Setup {
  readonly argv0?: string;
  readonly environment?: Record<string, string>;
  readonly file?: string;
  readonly openFiles?: number;
}

function nameAndValue(line: string): [string, string] {
  const equals = line.indexOf("=");
  return [line.slice(0, equals), line.slice(equals + 1)];
}
