// The log of the agent's commands: one line per message on stderr, so that stdout stays free for results, JSON and SSH bytes.
// Tokens and the control characters that a terminal would obey are removed from every message, since peers choose parts of the
// text.

import { printable } from "../../protocol/values/printable.ts";
import { redactSecrets } from "../../protocol/values/token.ts";

export type LogLevel = "debug" | "info" | "warn" | "error";

export interface Log {
  debug(message: string): void;
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}

const levels: readonly LogLevel[] = ["debug", "info", "warn", "error"];

export function createLog(options: {
  level: LogLevel;
  write: (line: string) => void;
  /** Begins each line with the time, for commands that run for long. */
  timestamps?: boolean;
  now?: () => Date;
}): Log {
  const lowest = levels.indexOf(options.level);
  const now = options.now ?? (() => new Date());
  const at = (level: LogLevel) => (message: string) => {
    if (levels.indexOf(level) < lowest) return;
    const time = options.timestamps === true ? `${now().toISOString()} ` : "";
    const word = level === "info" ? "" : `${level}: `;
    const text = printable(redactSecrets(message).replace(/[\r\n]+/g, " "));
    options.write(`${time}sallyport: ${word}${text}\n`);
  };
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}
