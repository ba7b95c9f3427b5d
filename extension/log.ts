// The "Sallyport" output channel. Tokens never get into it, whoever logs them.

import { type LogOutputChannel, window } from "vscode";
import type { Log } from "../agent/log.ts";
import { redactTokens } from "../protocol/token.ts";

export interface EditorLog extends Log {
  show(): void;
  dispose(): void;
}

export function createEditorLog(): EditorLog {
  const channel: LogOutputChannel = window.createOutputChannel("Sallyport", { log: true });
  return {
    debug: (message) => channel.debug(redactTokens(message)),
    info: (message) => channel.info(redactTokens(message)),
    warn: (message) => channel.warn(redactTokens(message)),
    error: (message) => channel.error(redactTokens(message)),
    show: () => channel.show(),
    dispose: () => channel.dispose(),
  };
}
