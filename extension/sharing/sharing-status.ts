// Shows in every window that this machine is shared; a click copies a link or stops it. At activation it only checks
// whether a small file exists.

import { existsSync, watch } from "node:fs";
import { dirname } from "node:path";
import {
  commands,
  type Disposable,
  l10n,
  StatusBarAlignment,
  type StatusBarItem,
  ThemeColor,
  window,
} from "vscode";
import type { SharedHost } from "../../agent/client/sharing/shared-host.ts";
import type { Services } from "../services.ts";
import { shareNoteFile } from "./shared-machine-files.ts";

export function registerSharing(services: Services): Disposable {
  const note = shareNoteFile(services);
  let item: StatusBarItem | undefined;
  let watching: { close(): void } | undefined;
  const show = (host: SharedHost | undefined): void => {
    item?.dispose();
    item = host === undefined ? undefined : sharingItem(host);
  };
  const look = async (): Promise<void> => {
    const { runningHost } = await import("../../agent/client/sharing/shared-host.ts");
    const host = await runningHost(note);
    show(host);
    await commands.executeCommand("setContext", "sallyport.sharing", host !== undefined);
    if (host !== undefined && watching === undefined) watching = watchNote();
  };
  const watchNote = () => {
    try {
      const watcher = watch(dirname(note), () => void look().catch(() => {}));
      // The directory was removed: there is nothing left to watch.
      watcher.on("error", () => watcher.close());
      return watcher;
    } catch {
      // The file system cannot be watched. The window that stops the host updates itself anyway.
      return undefined;
    }
  };
  const command = commands.registerCommand("sallyport.sharingChanged", () => look());
  if (existsSync(note)) {
    look().catch((error: unknown) =>
      services.log.warn(`Whether this machine is shared is not known: ${String(error)}`),
    );
  }
  return {
    dispose: () => {
      command.dispose();
      item?.dispose();
      watching?.close();
    },
  };
}

function sharingItem({ name, gateway }: SharedHost): StatusBarItem {
  const item = window.createStatusBarItem("sallyport.sharing", StatusBarAlignment.Left, 0);
  item.name = l10n.t("Sallyport: Shared Machine");
  item.text = `$(broadcast) ${l10n.t("Shared as {0}", name)}`;
  item.tooltip = l10n.t(
    "This machine is a workspace at {0}. Click to copy a link to it, or to stop sharing.",
    gateway,
  );
  item.accessibilityInformation = {
    label: l10n.t("This machine is shared as {0}. Activate to copy a link to it, or to stop sharing.", name),
  };
  item.backgroundColor = new ThemeColor("statusBarItem.warningBackground");
  item.command = "sallyport.shareMachine";
  item.show();
  return item;
}
