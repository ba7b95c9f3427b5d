// Defines `sallyport upgrade`: its options, arguments and help.

import { UsageError } from "../../../../protocol/command/command.ts";
import type { CommandDefinition, ValueType } from "../../../../protocol/command/definition.ts";
import { text } from "../../../../protocol/command/value-types.ts";
import { isVersion } from "../../../../protocol/release/manifest.ts";
import { GATEWAY_OPTION, JSON_OUTPUT, NETWORK_OPTIONS, ONE_PROXY, VERBOSE } from "../../shared-options.ts";

const RELEASE_VERSION: ValueType<string> = {
  hint: "VERSION",
  read(given, name) {
    if (isVersion(given)) return given;
    throw new UsageError(`${name} must be a version such as 1.2.3, not ${JSON.stringify(given)}.`);
  },
};

export const definition = {
  name: "upgrade",
  summary: "replace this program by the gateway's newer version",
  description: `Replaces this program by the version that the gateway offers, if that is newer. The release has to be signed by a key that this program knows; the file has to have the digest that the release names; and it has to run here, before it takes this program's place in one step. The version before is kept for --back. Hosts and tunnels that run go on with the version that they were started with, until they are restarted.

A program that dpkg, rpm, apk, Homebrew or npm installed is left to them: the command to type is printed. The exit status of --check is 0 if nothing newer is offered, 100 if something is, and 1 if it cannot be told.`,
  operands: {
    version: {
      type: RELEASE_VERSION,
      description: "only this version, even if it is older than this one",
      optional: true,
    },
  },
  options: {
    check: { description: "only say whether a newer version is offered" },
    back: { description: "return to the version before the last upgrade" },
    gateway: GATEWAY_OPTION,
    from: {
      type: { ...text("URL|DIR|FILE"), completion: "files" },
      description:
        "take the release from here instead of a gateway: a directory, on a web server or on this machine, that has its `manifest.json`",
    },
    json: {
      ...JSON_OUTPUT,
      description:
        'print JSON: {"version":…,"installed":…,"changed":…}; with --check {"version":…,"offered":…,"newer":…}',
    },
    verbose: VERBOSE,
    ...NETWORK_OPTIONS,
  },
  exclusive: [ONE_PROXY, { options: ["gateway", "from"] }],
  examples: ["sallyport upgrade", "sallyport upgrade --check", "sallyport upgrade --back"],
} as const satisfies CommandDefinition;
