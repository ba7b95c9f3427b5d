// As much of VS Code as the extension touches while it is activated: it takes note of what is registered, and does
// nothing.

import { vi } from "vitest";

const nothing = { dispose: () => {} };
export const registered: string[] = [];
export const contexts = new Map<string, unknown>();

export class EventEmitter<T> {
  readonly #listeners = new Set<(value: T) => void>();
  readonly event = (listener: (value: T) => void) => {
    this.#listeners.add(listener);
    return { dispose: () => this.#listeners.delete(listener) };
  };
  fire(value: T): void {
    for (const listener of this.#listeners) listener(value);
  }
  dispose(): void {
    this.#listeners.clear();
  }
}

export class ThemeIcon {
  readonly id: string;
  readonly color: ThemeColor | undefined;
  constructor(id: string, color?: ThemeColor) {
    this.id = id;
    this.color = color;
  }
}
export class ThemeColor {
  readonly id: string;
  constructor(id: string) {
    this.id = id;
  }
}
export class TreeItem {
  readonly label: string;
  constructor(label: string) {
    this.label = label;
  }
}
export class MarkdownString {
  appendMarkdown(): void {}
}
export class CancellationError extends Error {}
export class RelativePattern {}
export const TreeItemCollapsibleState = { None: 0, Collapsed: 1, Expanded: 2 };
export const StatusBarAlignment = { Left: 1, Right: 2 };
export const ProgressLocation = { Notification: 15 };
export const ConfigurationTarget = { Global: 1 };
export const QuickPickItemKind = { Separator: -1 };
export const Uri = {
  from: (parts: unknown) => parts,
  file: (path: string) => ({ path }),
  parse: (text: string) => ({ text, toString: () => text }),
};
export const l10n = {
  t: (text: string, ...values: unknown[]) =>
    text.replace(/\{(\d)\}/g, (_, index: string) => String(values[Number(index)])),
};
export const env = {
  appName: "Visual Studio Code",
  language: "en",
  remoteName: undefined,
  uriScheme: "vscode",
  asExternalUri: vi.fn((uri: unknown) => Promise.resolve(uri)),
  clipboard: { writeText: vi.fn((_: string) => Promise.resolve()) },
  openExternal: vi.fn((_uri: unknown) => Promise.resolve(true)),
};
export const extensions = { getExtension: () => undefined };
export const workspace = {
  workspaceFolders: undefined,
  getConfiguration: () => ({ get: () => undefined, inspect: () => undefined }),
  createFileSystemWatcher: () => nothing,
  registerTextDocumentContentProvider: () => nothing,
  openTextDocument: vi.fn((uri: unknown) => Promise.resolve({ uri })),
  onDidChangeConfiguration: () => nothing,
};
export const authenticationProviders = new Map<string, unknown>();
export const authentication = {
  registerAuthenticationProvider: (id: string, _label?: string, provider?: unknown) => {
    registered.push(`authentication ${id}`);
    authenticationProviders.set(id, provider);
    return nothing;
  },
};
export const commands = {
  registerCommand: (name: string) => {
    registered.push(`command ${name}`);
    return nothing;
  },
  executeCommand: vi.fn((_name: string, key: string, value: unknown) => {
    contexts.set(key, value);
    return Promise.resolve();
  }),
};
interface Item {
  readonly label: string;
}
/** A list as it stands before the person. */
export class FakeQuickPick {
  placeholder = "";
  items: readonly Item[] = [];
  selectedItems: readonly Item[] = [];
  isOpen = false;
  readonly #accepted = new EventEmitter<void>();
  readonly #hidden = new EventEmitter<void>();
  readonly onDidAccept = this.#accepted.event;
  readonly onDidHide = this.#hidden.event;
  show(): void {
    this.isOpen = true;
  }
  dispose(): void {
    this.isOpen = false;
  }
  choose(label: string): void {
    this.selectedItems = this.items.filter((item) => item.label === label);
    this.#accepted.fire();
  }
  hide(): void {
    this.#hidden.fire();
  }
}
export const picks: FakeQuickPick[] = [];
const log = { debug() {}, info() {}, warn() {}, error() {}, show() {}, dispose() {} };
/** What a person answers: a test says. By itself nobody answers anything. */
export const window = {
  showInformationMessage: vi.fn((..._: unknown[]): Promise<unknown> => Promise.resolve(undefined)),
  showWarningMessage: vi.fn((..._: unknown[]): Promise<unknown> => Promise.resolve(undefined)),
  showErrorMessage: vi.fn((..._: unknown[]): Promise<unknown> => Promise.resolve(undefined)),
  showQuickPick: vi.fn((..._: unknown[]): Promise<unknown> => Promise.resolve(undefined)),
  setStatusBarMessage: vi.fn(),
  createInputBox: () => {
    const never = () => nothing;
    return { onDidChangeValue: never, onDidAccept: never, onDidHide: never, show() {}, dispose() {} };
  },
  createQuickPick: () => {
    picks.push(new FakeQuickPick());
    return picks.at(-1);
  },
  showTextDocument: vi.fn((..._: unknown[]) => Promise.resolve()),
  withProgress: (_options: unknown, task: () => Promise<unknown>) => task(),
  createOutputChannel: () => log,
  createTreeView: (id: string) => {
    registered.push(`view ${id}`);
    return { ...nothing };
  },
  registerUriHandler: () => {
    registered.push("uri");
    return nothing;
  },
};
