// The diagnosis of one connection, stage by stage: what `sallyport doctor` and the editor show. It asks nobody anything and
// changes nothing of the person's.

import { formatWorkspaceRef } from "../../../protocol/values/name.ts";
import { VERSION } from "../../../protocol/version.ts";
import { accountStages } from "./account-stages.ts";
import { explain } from "./advice.ts";
import { type DiagnoseOptions, Findings } from "./findings.ts";
import { networkStages } from "./network-stages.ts";
import { redactor, redactStage } from "./redact.ts";
import type { Report, StageProgress } from "./report.ts";
import { sshStages } from "./ssh-stages.ts";
import { runStages } from "./stage.ts";

export type { DiagnoseOptions } from "./findings.ts";

/**
 * Runs every stage that can be run, and tells each as it begins and ends. Everything in the report may be shown and copied.
 * @throws the signal's reason when it is aborted; a stage that fails is in the report
 */
export async function diagnose(
  options: DiagnoseOptions,
  onStage: (stage: StageProgress) => void = () => {},
): Promise<Report> {
  const { gateway, workspace, machine, signal } = options;
  const started = performance.now();
  const startedAt = new Date().toISOString();
  const findings = new Findings(options);
  // The id of a workspace without an owner opens it.
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
