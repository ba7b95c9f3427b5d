import { describe, expect, test } from "vitest";
import { sessionTask } from "../../../../../../agent/host/ssh/session/session-task.ts";

const exec = { kind: "exec", command: "ls" } as const;

describe("a session", () => {
  test("runs what the client asks for", () => {
    const none = { command: undefined, originalCommand: undefined };
    expect(sessionTask({ kind: "shell" }, undefined)).toEqual({ kind: "process", ...none });
    expect(sessionTask(exec, undefined)).toEqual({ kind: "process", ...none, command: "ls" });
    expect(sessionTask({ kind: "sftp" }, undefined)).toEqual({ kind: "sftp", readOnly: false });
  });

  test.each([
    [{ kind: "shell" }, undefined],
    [exec, "ls"],
    [{ kind: "sftp" }, "internal-sftp"],
  ] as const)(
    "runs the command of its key instead, which learns what was asked for: %j",
    (asked, original) => {
      const task = { kind: "process", command: "backup", originalCommand: original };
      expect(sessionTask(asked, "backup")).toEqual(task);
    },
  );

  test("is SFTP where that is the command of its key, for reading only with -R", () => {
    expect(sessionTask(exec, "internal-sftp")).toEqual({ kind: "sftp", readOnly: false });
    expect(sessionTask({ kind: "shell" }, " internal-sftp  -R ")).toEqual({ kind: "sftp", readOnly: true });
    expect(sessionTask({ kind: "sftp" }, "internal-sftp -d /x")).toEqual({ kind: "unsupported" });
  });
});
