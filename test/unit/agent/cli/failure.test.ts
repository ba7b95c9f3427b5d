import { describe, expect, test } from "vitest";
import { describeFailure } from "../../../../agent/cli/failure.ts";
import { CommandError } from "../../../../agent/platform/command-error.ts";
import { ConfigFileError, UnknownWordError, UsageError } from "../../../../protocol/command/command.ts";
import { ProtocolError } from "../../../../protocol/errors.ts";
import { newAccessToken } from "../../../../protocol/values/token.ts";

describe("what a person reads when a command fails", () => {
  test("wrong usage is one line, where to find help, and exit code 2", () => {
    expect(describeFailure("list", new UsageError("Unknown option '--foo'"), false)).toEqual({
      lines: ["sallyport: Unknown option '--foo'", "see sallyport list --help"],
      exitCode: 2,
    });
  });

  test("a word that is nearly right is corrected", () => {
    const error = new UnknownWordError("Unknown option: --titel.", "--titel", ["--title", "--scope"]);
    expect(describeFailure("token", Object.assign(error, { command: "token create" }), false)).toEqual({
      lines: [
        "sallyport: Unknown option: --titel. Did you mean --title?",
        "see sallyport token create --help",
      ],
      exitCode: 2,
    });
  });

  test("a wrong configuration file is a failure, not wrong usage", () => {
    const error = new ConfigFileError("options.name in /c is not an option of every command.");
    expect(describeFailure("list", error, false)).toEqual({
      lines: ["sallyport: config: options.name in /c is not an option of every command."],
      exitCode: 1,
    });
  });

  test("a command's failure is one line that names the stage, and exit code 1", () => {
    const error = new CommandError("tcp", "ECONNREFUSED", "gw refused\nthe connection");
    expect(describeFailure("list", error, false)).toEqual({
      lines: ["sallyport: tcp: gw refused the connection"],
      exitCode: 1,
    });
  });

  test("what a gateway said cannot steer the terminal", () => {
    const error = new CommandError("tunnel", "CLOSED_1008", "cut: \u001b[2J\u001b]0;x\u0007");
    expect(describeFailure("tunnel", error, false).lines).toEqual(["sallyport: tunnel: cut: �[2J�]0;x�"]);
  });

  test("a protocol error gets the stage that its code belongs to", () => {
    const line = (error: ProtocolError) => describeFailure("ssh", error, false).lines[0];
    expect(line(new ProtocolError("token_expired", "gone"))).toBe("sallyport: sign-in: gone");
    expect(line(new ProtocolError("workspace_offline", "asleep"))).toBe("sallyport: workspace: asleep");
    expect(line(new ProtocolError("bad_url", "odd"))).toBe("sallyport: config: odd");
  });

  test("anything else is called a bug, with a stack only where it was asked for", () => {
    const quiet = describeFailure("list", new TypeError("x is not a function"), false);
    expect(quiet.exitCode).toBe(1);
    expect(quiet.lines.join("\n")).toMatch(/this is a bug in sallyport: x is not a function/);
    expect(quiet.lines.join("\n")).not.toMatch(/ at /);
    expect(describeFailure("list", new TypeError("x"), true).lines.join("\n")).toMatch(/ at /);
  });

  test("no token is shown, whatever message it is in", () => {
    const token = newAccessToken();
    for (const error of [new TypeError(token), new CommandError("http", "x", token), new UsageError(token)]) {
      expect(describeFailure("list", error, true).lines.join("\n")).not.toContain(token);
    }
  });
});
