import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { EnvironmentRequests } from "../../../../../../agent/host/ssh/session/environment-requests.ts";
import { sessionEnvironment } from "../../../../../../agent/host/ssh/session/session-environment.ts";

const user = { name: "ann", home: "/home/ann", shell: "/bin/zsh" };
const facts = {
  client: { address: "192.0.2.1", port: 5 },
  server: { address: "127.0.0.1", port: 22 },
  originalCommand: undefined,
  agentSocket: undefined,
  term: undefined,
};

describe("a session's environment", () => {
  it("takes a login's variables from the host and leaves its secrets", () => {
    const host = { PATH: "/opt/bin", LC_ALL: "C", TZ: "UTC", SALLYPORT_TOKEN: "s", AWS_KEY: "k", HOME: "/x" };
    const environment = sessionEnvironment(host, new Map(), user, facts);
    expect(environment).toMatchObject({ PATH: "/opt/bin", LC_ALL: "C", TZ: "UTC", HOME: "/home/ann" });
    expect(Object.keys(environment).filter((name) => /SALLYPORT|AWS/.test(name))).toEqual([]);
  });

  it("leaves out a directory that is not there, and one that this user cannot look at", () => {
    const directory = mkdtempSync(join(tmpdir(), "environment-"));
    const loop = join(directory, "loop");
    symlinkSync(loop, loop);
    try {
      const host = { TMPDIR: loop, XDG_RUNTIME_DIR: join(directory, "none") };
      const environment = sessionEnvironment(host, new Map(), user, facts);
      expect(environment).not.toHaveProperty("TMPDIR");
      expect(environment).not.toHaveProperty("XDG_RUNTIME_DIR");
      const there = sessionEnvironment({ TMPDIR: directory }, new Map(), user, facts);
      expect(there).toHaveProperty("TMPDIR", directory);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it("has a PATH where the host has none", () => {
    expect(sessionEnvironment({}, new Map(), user, facts).PATH).toMatch(/\/usr\/bin/);
  });

  it("names both ends of the connection, the agent, the terminal and the replaced command", () => {
    const environment = sessionEnvironment({}, new Map([["TERM", "dumb"]]), user, {
      ...facts,
      originalCommand: "ls",
      agentSocket: "/tmp/a",
      term: "xterm",
    });
    expect(environment).toMatchObject({
      SSH_CONNECTION: "192.0.2.1 5 127.0.0.1 22",
      SSH_CLIENT: "192.0.2.1 5 22",
      SSH_ORIGINAL_COMMAND: "ls",
      SSH_AUTH_SOCK: "/tmp/a",
      TERM: "xterm",
    });
  });
});

describe("what a client may set", () => {
  it.each([
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

  it.each([
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

  it("is only its language where its key is confined to a command", () => {
    const requests = new EnvironmentRequests(true);
    expect([requests.add("LC_ALL", "C"), requests.add("FOO", "x")]).toEqual([true, false]);
  });

  it("is bounded in number and size", () => {
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
