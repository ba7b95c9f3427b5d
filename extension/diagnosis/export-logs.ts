// "Export Logs": writes what is needed to help the person into one file, which they can read before they send it.

import { readdirSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { commands, env, extensions, l10n, Uri, version, window, workspace } from "vscode";
import { REMOTE_SSH_FLAVOURS } from "../../agent/client/connect/hand-off-target.ts";
import { supportBundle } from "../../agent/client/support-bundle/support-bundle.ts";
import { zip } from "../../agent/client/support-bundle/zip.ts";
import { VERSION } from "../../protocol/version.ts";
import type { Services } from "../services.ts";
import { ownSettings } from "../settings.ts";
import { shareLogFile } from "../sharing/shared-machine-files.ts";
import { managedPaths } from "../ssh-config/managed-config.ts";

export async function exportLogs(services: Services): Promise<void> {
  const day = new Date().toISOString().slice(0, 10);
  const target = await window.showSaveDialog({
    title: l10n.t("Export Sallyport's Logs"),
    defaultUri: Uri.file(join(homedir(), `sallyport-logs-${day}.zip`)),
    filters: { ZIP: ["zip"] },
  });
  if (target === undefined) return;
  const entries = supportBundle({
    files: {
      ...logFiles(services),
      "ssh-config.txt": managedPaths().config,
      "shared-machine.log": shareLogFile(services),
    },
    texts: { "facts.json": `${JSON.stringify(facts(services), null, 2)}\n` },
    home: homedir(),
  });
  await workspace.fs.writeFile(target, zip(entries, new Date()));
  const show = l10n.t("Show the File");
  const answer = await window.showInformationMessage(
    l10n.t(
      "{0} files were exported. Tokens, keys and your home directory's name are left out.",
      entries.length,
    ),
    show,
  );
  if (answer === show) await commands.executeCommand("revealFileInOS", target);
}

/** The files that VS Code wrote for our output channel, in this window and in earlier ones since the editor started. */
function logFiles({ context }: Services): Record<string, string> {
  const directory = context.logUri.fsPath;
  try {
    const names = readdirSync(directory).filter((name) => /^[\w. -]+\.log$/.test(name));
    return Object.fromEntries(names.slice(0, 10).map((name) => [`logs/${name}`, join(directory, name)]));
  } catch {
    // Nothing was logged yet.
    return {};
  }
}

function facts({ gateways }: Services): unknown {
  return {
    sallyport: VERSION,
    editor: `${env.appName} ${version}`,
    remote: env.remoteName ?? null,
    platform: `${process.platform} ${process.arch}`,
    node: process.version,
    remoteSsh: REMOTE_SSH_FLAVOURS.flatMap((id) => {
      const extension = extensions.getExtension(id);
      return extension === undefined ? [] : [`${id} ${String(extension.packageJSON.version)}`];
    }),
    settings: ownSettings(),
    gateways: gateways.known.map(({ gateway, state, workspaces }) => ({
      gateway,
      state: state.kind,
      workspaces: workspaces.size,
    })),
  };
}
