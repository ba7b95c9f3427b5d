import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
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
  test("takes a login's variables from the host and leaves its secrets", () => {
    const host = { PATH: "/opt/bin", LC_ALL: "C", TZ: "UTC", SALLYPORT_TOKEN: "s", AWS_KEY: "k", HOME: "/x" };
    const environment = sessionEnvironment(host, new Map(), user, facts);
    expect(environment).toMatchObject({ PATH: "/opt/bin", LC_ALL: "C", TZ: "UTC", HOME: "/home/ann" });
    expect(Object.keys(environment).filter((name) => /SALLYPORT|AWS/.test(name))).toEqual([]);
  });

  test("leaves out a directory that is missing, and one that this user cannot look at", () => {
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

  test("has a PATH where the host has none", () => {
    expect(sessionEnvironment({}, new Map(), user, facts).PATH).toMatch(/\/usr\/bin/);
  });

  test("names both ends of the connection, the agent, the terminal and the replaced command", () => {
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
