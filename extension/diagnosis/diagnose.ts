// "Diagnose Connection": runs the same diagnosis as `sallyport doctor`, and shows its report as a page.

import { l10n, ProgressLocation, window } from "vscode";
import { diagnose } from "../../agent/client/diagnose/diagnose.ts";
import { conclusion, reportMarkdown } from "../../agent/client/diagnose/render.ts";
import type { Report } from "../../agent/client/diagnose/report.ts";
import { workspaceKey, workspaceLabel } from "../../agent/client/workspaces/workspace-list.ts";
import type { TreeNode } from "../../agent/client/workspaces/workspace-tree.ts";
import { parseWorkspaceRef } from "../../protocol/values/name.ts";
import { targetOf } from "../connect/choose-target.ts";
import type { ConnectTarget } from "../connect/target.ts";
import { machine } from "../machine.ts";
import { showPage } from "../page.ts";
import type { Services } from "../services.ts";
import { sshProgram, transportSetting } from "../settings.ts";
import { ensureLauncher } from "../ssh-config/launcher.ts";
import { managedPaths, managedSections } from "../ssh-config/managed-config.ts";

export async function diagnoseConnection(services: Services, node: TreeNode | undefined): Promise<void> {
  const target = await targetOf(services, node, l10n.t("Diagnose Connection"));
  if (target === undefined) return;
  const title = l10n.t("Diagnosing the connection to {0}", workspaceLabel(target.workspace));
  const report = await window.withProgress(
    { location: ProgressLocation.Notification, title, cancellable: true },
    async (progress, cancellation) => {
      const abort = new AbortController();
      cancellation.onCancellationRequested(() => abort.abort());
      return await runDiagnosis(services, target, abort.signal, (message) => progress.report({ message }));
    },
  );
  if (report === undefined) return;
  services.log.info(conclusion(report));
  await showPage(services, workspaceLabel(target.workspace), reportMarkdown(report));
}

/** Returns undefined when it was cancelled. */
export async function runDiagnosis(
  services: Services,
  { gateway, workspace }: ConnectTarget,
  signal: AbortSignal,
  onStage: (title: string) => void,
): Promise<Report | undefined> {
  const paths = managedPaths();
  const key = workspaceKey(gateway.gateway, workspace.id);
  const alias = managedSections().find((section) => workspaceKey(section.gateway, section.id) === key)?.alias;
  try {
    return await diagnose(
      {
        gateway: gateway.gateway,
        // By its name: the id of a workspace may be a secret, and is redacted.
        workspace: parseWorkspaceRef(workspaceLabel(workspace)),
        transport: transportSetting(),
        machine: machine(),
        token: await gateway.token(),
        companion: [await ensureLauncher(services)],
        alias,
        ssh: sshProgram(),
        configFile: paths.personIsDefault ? undefined : paths.person,
        signal,
      },
      (stage) => onStage(stage.title),
    );
  } catch (error) {
    if (signal.aborted) return undefined;
    throw error;
  }
}
