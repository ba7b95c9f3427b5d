// Where the files about the host in the background are: its log, and the note that says that it runs.

import { join } from "node:path";
import type { ExtensionContext } from "vscode";

interface Storage {
  readonly context: Pick<ExtensionContext, "globalStorageUri">;
}

export function shareLogFile({ context }: Storage): string {
  return join(context.globalStorageUri.fsPath, "shared-machine", "host.log");
}

export function shareNoteFile({ context }: Storage): string {
  return join(context.globalStorageUri.fsPath, "shared-machine", "host.json");
}
