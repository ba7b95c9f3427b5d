// The options of `sallyport gateway` as administrators see them in the dashboard: what is in effect, without secrets. Of
// files and directories they see the last part of the path only.

import { basename } from "node:path";
import type { Setting } from "../../protocol/admin-api.ts";
import type { CommandDefinition, OptionDefinition } from "../../protocol/command/definition.ts";
import { printable } from "../../protocol/values/printable.ts";
import { formatAddress } from "../address.ts";

/** Options whose values nobody has to see, should one of them ever take a value and not a file. */
const SECRET = /secret|token|password|key$/;

/** @param values by option, as the command line's reader made them */
export function settingsOf(
  { options }: Pick<CommandDefinition, "options">,
  values: Readonly<Record<string, unknown>>,
): Setting[] {
  return Object.entries(options)
    .filter(([name, { refused }]) => name !== "json" && refused === undefined)
    .map(([name, definition]) => ({
      option: `--${name}`,
      value: shownValue(name, definition, values[name]),
      summary: printable(definition.description, 500),
    }));
}

function shownValue(name: string, { type, otherwise }: OptionDefinition, value: unknown): string | null {
  if (type === undefined) return value === true ? "on" : "off";
  const given = Array.isArray(value) ? value : value === undefined ? [] : [value];
  if (given.length === 0) return otherwise === undefined ? null : printable(otherwise, 1_000);
  const isFile = type.completion === "files" || type.completion === "directories";
  if (!isFile && SECRET.test(name)) return "set";
  return printable(given.map((each) => (isFile ? basename(String(each)) : textOf(each))).join(", "), 1_000);
}

function textOf(value: unknown): string {
  if (typeof value !== "object" || value === null) return String(value);
  if (
    "host" in value &&
    "port" in value &&
    typeof value.host === "string" &&
    typeof value.port === "number"
  ) {
    return formatAddress({ host: value.host, port: value.port });
  }
  if ("source" in value && "url" in value) return `${value.source}=${value.url}`;
  return "set";
}
