// The diagnosis of one connection, stage by stage, for `sallyport doctor` and the editor. It asks no questions, and changes
// nothing on the person's machine.

import { formatWorkspaceRef } from "../../../protocol/values/name.ts";
import { VERSION } from "../../../protocol/version.ts";
import { accountStages } from "./account-stages.ts";
import { explain } from "./advice.ts";
import { type DiagnoseOptions, Findings } from "./findings.ts";
import { networkStages } from "./network-stages.ts";
import { redactor, redactStage } from "./redact.ts";
import type { Report, StageProgress } from "./report.ts";
import { runStages } from "./run-stages.ts";
import { sshStages } from "./ssh-stages.ts";

export type { DiagnoseOptions } from "./findings.ts";

/**
 * Runs every stage that can run, and reports each as it begins and ends. The report holds no secrets: it may be shown and copied.
 * @throws the signal's reason when it is aborted; a failed stage is in the report
 */
export async function diagnose(
  options: DiagnoseOptions,
  onStage: (stage: StageProgress) => void = () => {},
): Promise<Report> {
  const { gateway, workspace, machine, signal } = options;
  const started = performance.now();
  const startedAt = new Date().toISOString();
  const findings = new Findings(options);
  // The id of an accountless workspace is its secret.
  const secrets = workspace.kind === "id" ? [workspace.id] : [];
  const redact = redactor(machine.home, secrets);
  try {
    const stages = await runStages(
      [...networkStages(findings), ...accountStages(findings), ...sshStages(findings)],
      {
        signal,
        onStage,
        explain: (id, error) => explain(id, error, gateway),
        clean: (stage) => redactStage(stage, redact),
      },
    );
    const failed = stages.find(({ status }) => status === "fail")?.id;
    const ran = stages.some(({ id, status }) => id === "exec" && (status === "ok" || status === "warn"));
    return {
      gateway,
      workspace: redact(findings.record?.name ?? formatWorkspaceRef(workspace)),
      transport: findings.transport,
      ok: failed === undefined && ran,
      failed,
      stages,
      startedAt,
      ms: Math.round(performance.now() - started),
      version: VERSION,
      platform: `${machine.platform} ${process.arch}`,
    };
  } finally {
    findings.dispose();
  }
}
