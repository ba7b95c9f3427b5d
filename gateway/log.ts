// The gateway's log: pino, one JSON object per line. Everything that looks like a token is removed from the
// finished line, so that no message, field or error of any library can leak one.

import { type Logger, pino } from "pino";
import { redactTokens } from "../protocol/values/token.ts";
import type { GatewayLogLevel } from "./program/value-types.ts";

/** @param worker the process's number, in each line; undefined: the gateway is one process */
export function createGatewayLog(
  level: GatewayLogLevel,
  write: (line: string) => void,
  worker?: number,
): Logger {
  return pino(
    {
      level,
      base: worker === undefined ? null : { worker },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: {
        paths: ["authorization", "*.authorization", "*.headers.authorization", "*.headers.cookie"],
        censor: "…",
      },
    },
    { write: (line: string) => write(redactTokens(line)) },
  );
}
