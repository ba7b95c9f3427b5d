import { describe, expect, test } from "vitest";
import { redactor } from "../../../../../agent/client/diagnose/redact.ts";
import { reportMarkdown, reportTable } from "../../../../../agent/client/diagnose/render.ts";
import type { Report } from "../../../../../agent/client/diagnose/report.ts";
import { newAccessToken, newOwnerToken } from "../../../../../protocol/values/token.ts";

const report: Report = {
  gateway: "https://gateway.example",
  workspace: "dev",
  transport: "tunnel",
  ok: false,
  failed: "exec",
  stages: [
    { id: "dns", title: "Gateway's name", status: "ok", ms: 3, detail: "gateway.example is 192.0.2.1." },
    {
      id: "exec",
      title: "Command",
      status: "fail",
      ms: 12,
      code: "exit_status",
      detail: "it said | <img src=x> [click](http://evil) \x1b[2J",
      means: "Nothing runs.",
      todo: "Look there.",
    },
    { id: "forward", title: "Forwarding", status: "skipped", ms: 0, detail: "Not tried.", blockedBy: "exec" },
  ],
  startedAt: "2026-01-01T00:00:00.000Z",
  ms: 15,
  version: "1.2.3",
  platform: "linux x64",
};

describe("a report", () => {
  test("is a table with words beside the signs, and says at the end where it fails", () => {
    expect(reportTable(report, undefined)).toBe(
      [
        "STAGE           RESULT     TIME   WHAT",
        "Gateway's name  ✓ ok       3 ms   gateway.example is 192.0.2.1.",
        "Command         ✗ failed   12 ms  it said | <img src=x> [click](http://evil) �[2J",
        "Forwarding      - skipped         Not tried.",
        "",
        "Command (exit_status)",
        "  it said | <img src=x> [click](http://evil) �[2J",
        "  It means: Nothing runs.",
        "  What to do: Look there.",
        "",
        "The workspace cannot be reached. It fails at: Command.",
        "",
      ].join("\n"),
    );
  });

  test("is Markdown in which nobody else's text becomes markup", () => {
    const text = reportMarkdown(report);
    expect(text).toContain(
      "| Command | ✗ failed | 12 ms | it said \\| \\<img src=x\\> \\[click\\](http://evil) �\\[2J |",
    );
    expect(text).toContain("- **Command** (`exit_status`): Nothing runs. Look there.");
  });
});

describe("redaction", () => {
  test("takes out tokens, secrets and the home directory, and no more", () => {
    const redact = redactor("/home/ada", ["ws_secret"]);
    const [access, owner] = [newAccessToken(), newOwnerToken()];
    expect(redact(`${access} ${owner} ws_secret /home/ada/.ssh/id /home/ada2/x "/home/ada"`)).toBe(
      'spt_… spo_… ws_… ~/.ssh/id /home/ada2/x "~"',
    );
  });

  test("knows both slashes of Windows", () => {
    const redact = redactor("C:\\Users\\Ada (work)", []);
    expect(redact("C:\\Users\\Ada (work)\\.ssh C:/Users/Ada (work)/.ssh")).toBe("~\\.ssh ~/.ssh");
  });
});
