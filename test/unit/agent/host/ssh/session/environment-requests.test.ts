import { describe, expect, test } from "vitest";
import { EnvironmentRequests } from "../../../../../../agent/host/ssh/session/environment-requests.ts";

describe("what a client may set", () => {
  test.each([
    "LANG",
    "LC_ALL",
    "TZ",
    "EDITOR",
    "COLORTERM",
    "TERM_PROGRAM",
    "GIT_PROTOCOL",
    "GIT_AUTHOR_NAME",
    "FOO",
  ])("%s: yes", (name) => expect(new EnvironmentRequests(false).add(name, "x")).toBe(true));

  test.each([
    "PATH",
    "HOME",
    "SHELL",
    "USER",
    "LD_PRELOAD",
    "LD_AUDIT",
    "DYLD_INSERT_LIBRARIES",
    "BASH_ENV",
    "BASH_FUNC_ls",
    "ENV",
    "IFS",
    "NODE_OPTIONS",
    "PYTHONSTARTUP",
    "PERL5OPT",
    "JAVA_TOOL_OPTIONS",
    "_JAVA_OPTIONS",
    "GIT_SSH_COMMAND",
    "SSH_AUTH_SOCK",
    "SALLYPORT_TOKEN",
    "GLIBC_TUNABLES",
    "a-b",
    "",
    "1A",
    "A=B",
    "A\n",
  ])("%j: no", (name) => expect(new EnvironmentRequests(false).add(name, "x")).toBe(false));

  test("is only the language where the key is confined to a command", () => {
    const requests = new EnvironmentRequests(true);
    expect([requests.add("LC_ALL", "C"), requests.add("FOO", "x")]).toEqual([true, false]);
  });

  test("is bounded in number and size", () => {
    const many = new EnvironmentRequests(false);
    const accepted = Array.from({ length: 300 }, (_, index) => many.add(`V${index}`, "x")).filter(Boolean);
    expect(accepted).toHaveLength(128);
    const large = new EnvironmentRequests(false);
    expect([large.add("A", "x".repeat(600_000)), large.tooMuch]).toEqual([true, undefined]);
    expect([large.add("B", "x".repeat(600_000)), large.tooMuch]).toEqual([false, expect.any(String)]);
    const confined = new EnvironmentRequests(true);
    expect([confined.add("LANG", "x".repeat(60_000)), confined.add("LC_ALL", "x".repeat(60_000))]).toEqual([
      true,
      false,
    ]);
  });
});
