// The gateway's log: pino, one JSON object a line. Whatever looks like a token is taken out of the finished line, so
// that no message, field or error of any library can carry one through.

import { type Logger, pino } from "pino";
import { redactTokens } from "../protocol/values/token.ts";
import type { GatewayLogLevel } from "./program/options.ts";

/** @param worker stands in each line, where the gateway is several processes */
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
