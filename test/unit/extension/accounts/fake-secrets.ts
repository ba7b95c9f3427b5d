// VS Code's secret storage, which all windows share: each gets an object of its own on the same entries, and hears of changes that
// any of them makes.

import { EventEmitter } from "../fake-vscode.ts";

export class SharedSecrets {
  readonly entries = new Map<string, string>();
  readonly #changed = new EventEmitter<{ readonly key: string }>();

  window() {
    return {
      onDidChange: this.#changed.event,
      get: (key: string) => Promise.resolve(this.entries.get(key)),
      keys: () => Promise.resolve([...this.entries.keys()]),
      store: (key: string, value: string) => {
        this.entries.set(key, value);
        this.#changed.fire({ key });
        return Promise.resolve();
      },
      delete: (key: string) => {
        this.entries.delete(key);
        this.#changed.fire({ key });
        return Promise.resolve();
      },
    };
  }
}
