// What the agent's commands say about their work: one line each on stderr, so that stdout stays free for results,
// JSON and SSH bytes. Tokens never get through, whoever logs them, and neither does what a terminal would obey: peers
// choose a part of the text.

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
  /** Puts the time in front of each line: wanted by commands that run for long. */
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
