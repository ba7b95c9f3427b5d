// The transport of each workspace, as the managed SSH config says it. It is read again whenever the file changes, also
// when another program changes it.

import { type Disposable, type FileSystemWatcher, RelativePattern, Uri, workspace } from "vscode";
import { workspaceKey } from "../../agent/client/workspaces/workspace-list.ts";
import type { TreeNode } from "../../agent/client/workspaces/workspace-tree.ts";
import type { ManagedTransport } from "../ssh-config/managed-config.ts";

export class TransportsInUse implements Disposable {
  readonly #onChange: () => void;
  #transports: ReadonlyMap<string, ManagedTransport> = new Map();
  #watcher: FileSystemWatcher | undefined;

  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  /** Reads the file, and watches it from now on. */
  follow(): void {
    void this.#read();
  }

  of(node: TreeNode): ManagedTransport | undefined {
    return node.kind === "workspace" ? this.#transports.get(workspaceKey(node.gateway, node.id)) : undefined;
  }

  dispose(): void {
    this.#watcher?.dispose();
  }

  async #read(): Promise<void> {
    const { managedPaths, managedTransports } = await import("../ssh-config/managed-config.ts");
    this.#watch(managedPaths().directory);
    const found = managedTransports();
    const before = this.#transports;
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
