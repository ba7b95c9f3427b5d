// The "Sallyport" output channel. Tokens are redacted in every message.

import { type LogOutputChannel, window } from "vscode";
import type { Log } from "../agent/platform/log.ts";
import { redactSecrets } from "../protocol/values/token.ts";

export interface EditorLog extends Log {
  show(): void;
  dispose(): void;
}

export function createEditorLog(): EditorLog {
  const channel: LogOutputChannel = window.createOutputChannel("Sallyport", { log: true });
  return {
    debug: (message) => channel.debug(redactSecrets(message)),
    info: (message) => channel.info(redactSecrets(message)),
    warn: (message) => channel.warn(redactSecrets(message)),
    error: (message) => channel.error(redactSecrets(message)),
    show: () => channel.show(),
    dispose: () => channel.dispose(),
  };
}
