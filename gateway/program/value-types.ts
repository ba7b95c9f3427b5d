// The kinds of values that only the gateway's command line takes.

import { isIPv6 } from "node:net";
import { availableParallelism } from "node:os";
import { UsageError } from "../../protocol/command/command.ts";
import type { ValueType } from "../../protocol/command/definition.ts";
import { parseDuration } from "../../protocol/command/duration.ts";
import { addressMatcher, type ListenAddress } from "../address.ts";

export const LOG_LEVELS = ["debug", "info", "warn", "error", "silent"] as const;
export type GatewayLogLevel = (typeof LOG_LEVELS)[number];

const MAX_WORKERS = 64;

export const ADDRESS: ValueType<ListenAddress> = {
  hint: "HOST:PORT",
  read(text, name) {
    const match = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9.-]+)):(\d{1,5})$/i.exec(text);
    const host = match?.[1] ?? match?.[2] ?? "";
    const port = Number(match?.[3]);
    if (match === null || port > 65_535 || (match[1] !== undefined && !isIPv6(host))) {
      throw new UsageError(
        `${name} takes HOST:PORT, such as 127.0.0.1:8022 or [::]:8022, not ${JSON.stringify(text)}.`,
      );
    }
    return { host, port };
  },
};

export const ACME_DIRECTORY: ValueType<string> = {
  hint: "URL",
  read(text, name) {
    if (text.startsWith("https://") && text.length <= 500 && URL.canParse(text)) return new URL(text).href;
    throw new UsageError(
      `${name} takes the URL of an ACME directory, with https, not ${JSON.stringify(text)}.`,
    );
  },
};

/** One address, CIDR range, or `loopback`. */
export const PROXY_ADDRESSES: ValueType<string> = {
  hint: "LIST",
  read(text, name) {
    try {
      addressMatcher([text]);
      return text;
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      throw new UsageError(`${name}: ${error.message}.`, { cause: error });
    }
  },
};

/** How long an invitation is good: seconds, as POST /invitations takes them. */
export const INVITATION_TIME: ValueType<number> = {
  hint: "TIME",
  read(text, name) {
    const seconds = parseDuration(text, name);
    if (seconds >= 60 && seconds <= 7 * 86_400) return seconds;
    throw new UsageError(`${name} must be a time from 1m to 7d, not ${JSON.stringify(text)}.`);
  },
};

export const WORKERS: ValueType<number> = {
  hint: "N",
  completion: ["auto"],
  read(text, name) {
    const workers = text === "auto" ? Math.min(availableParallelism(), MAX_WORKERS) : Number(text);
    if (/^([1-9]\d?|auto)$/.test(text) && workers <= MAX_WORKERS) return workers;
    throw new UsageError(`${name} must be a number from 1 to ${MAX_WORKERS}, or auto: one per core.`);
  },
};
