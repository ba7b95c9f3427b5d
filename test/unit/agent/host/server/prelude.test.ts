import { execFileSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { withPrelude } from "../../../../../agent/host/server/prelude.ts";

function run(args: readonly string[], argv0: string, environment: Record<string, string> = {}): string {
  const prelude = withPrelude(
    { file: "/bin/sh", argv0, args, cwd: "/", environment: { PATH: process.env.PATH ?? "", ...environment } },
    undefined,
  );
  return execFileSync(prelude.file, prelude.args, { env: { ...prelude.environment } }).toString();
}

describe("what goes before a session's process", () => {
  it("hands arguments on as they are", () => {
    const odd = ["a b", "*", "--", "$(x)", "", "'\"\\", "-x"];
    expect(run(["-c", 'printf "<%s>" "$@"', "name", ...odd], "sh")).toBe(
      odd.map((word) => `<${word}>`).join(""),
    );
  });

  it("hands variables on as they are, the locale among them", () => {
    const environment = { LC_TIME: "xx_YY", LANG: "C $(x) *", OTHER: "-- 'q' \n2" };
    expect(run(["-c", 'printf "%s|%s|%s" "$LC_TIME" "$LANG" "$OTHER"'], "sh", environment)).toBe(
      "xx_YY|C $(x) *|-- 'q' \n2",
    );
  });

  it("names the process", () => {
    expect(run(["-c", "echo $0"], "some-name")).toBe("some-name\n");
  });
});
