// Which way each workspace is reached at the moment: what the managed SSH config says. Read anew when it changes, whoever
// changes it.

import { type Disposable, type FileSystemWatcher, RelativePattern, Uri, workspace } from "vscode";
import { sessionKey } from "../../agent/sessions/session-list.ts";
import type { TreeNode } from "../../agent/sessions/session-tree.ts";
import type { ManagedTransport } from "../connect/managed-config.ts";

export class TransportsInUse implements Disposable {
  readonly #onChange: () => void;
  #transports: ReadonlyMap<string, ManagedTransport> | undefined;
  #watcher: FileSystemWatcher | undefined;

  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  of(node: TreeNode): ManagedTransport | undefined {
    if (node.kind !== "session") return undefined;
    if (this.#transports === undefined) {
      this.#transports = new Map();
      void this.#read();
    }
    return this.#transports.get(sessionKey(node.gateway, node.id));
  }

  dispose(): void {
    this.#watcher?.dispose();
  }

  async #read(): Promise<void> {
    const { managedPaths, managedTransports } = await import("../connect/managed-config.ts");
    this.#watch(managedPaths().directory);
    const found = managedTransports();
    const before = this.#transports ?? new Map();
    this.#transports = found;
    if (found.size !== before.size || [...found].some(([key, value]) => before.get(key) !== value))
      this.#onChange();
  }

  #watch(directory: string): void {
    if (this.#watcher !== undefined) return;
    this.#watcher = workspace.createFileSystemWatcher(new RelativePattern(Uri.file(directory), "config"));
    const read = () => void this.#read();
    this.#watcher.onDidChange(read);
    this.#watcher.onDidCreate(read);
    this.#watcher.onDidDelete(read);
  }
}
