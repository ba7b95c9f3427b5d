// A diagnosis as text: a table for a terminal, and Markdown for an issue. Pure.

import { printable } from "../../../protocol/values/printable.ts";
import { table } from "../../platform/output.ts";
import { markdownText } from "../markdown-text.ts";
import { type Report, type StageReport, titleOf } from "./report.ts";

/** Icons come with words, never alone. */
const WORDS = { ok: "✓ ok", warn: "! warning", fail: "✗ failed", skipped: "- skipped" } as const;

/** @param width columns of the terminal; undefined: no terminal */
export function reportTable(report: Report, width: number | undefined): string {
  const rows = report.stages.map((stage) => [stage.title, WORDS[stage.status], time(stage), stage.detail]);
  const parts = [table(["STAGE", "RESULT", "TIME", "WHAT"], rows, width)];
  for (const stage of report.stages) {
    if (stage.status !== "fail" && stage.status !== "warn") continue;
    // In full, since the table may have cut it short.
    const lines = [stage.detail, `It means: ${stage.means}`, `What to do: ${stage.todo}`];
    parts.push(`\n${stage.title} (${stage.code})\n${lines.map((line) => `  ${printable(line)}\n`).join("")}`);
  }
  parts.push(`\n${conclusion(report)}\n`);
  return parts.join("");
}

export function reportMarkdown(report: Report): string {
  const rows = report.stages.map(
    (stage) =>
      `| ${stage.title} | ${WORDS[stage.status]} | ${time(stage)} | ${markdownText(stage.detail)} |\n`,
  );
  const hints = report.stages.flatMap((stage) =>
    stage.status === "fail" || stage.status === "warn"
      ? [
          `- **${stage.title}** (\`${stage.code}\`): ${markdownText(stage.means)} ${markdownText(stage.todo)}\n`,
        ]
      : [],
  );
  return [
    `### Sallyport: ${markdownText(report.workspace)} at ${markdownText(report.gateway)}\n\n`,
    `${conclusion(report)}\n\n`,
    `Sallyport ${report.version}, ${report.platform}, ${report.startedAt}, ${report.ms} ms\n\n`,
    "| Stage | Result | Time | What |\n| --- | --- | ---: | --- |\n",
    ...rows,
    ...(hints.length === 0 ? [] : ["\n", ...hints]),
  ].join("");
}

/** One sentence. */
export function conclusion(report: Report): string {
  if (report.ok) {
    const transport = report.transport === "direct" ? "the gateway's SSH port" : "the tunnel over HTTPS";
    return `The workspace can be reached through ${transport}.`;
  }
  if (report.failed === undefined) return "The workspace cannot be reached.";
  return `The workspace cannot be reached. It fails at: ${titleOf(report.failed)}.`;
}

function time(stage: StageReport): string {
  return stage.status === "skipped" ? "" : `${stage.ms} ms`;
}
