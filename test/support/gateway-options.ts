// The gateway's options by a command line, as `sallyport gateway` reads them.

import { definition } from "../../gateway/program/definition.ts";
import { type GatewayOptions, gatewayOptions } from "../../gateway/program/options.ts";
import { splitArguments } from "../../protocol/command/arguments.ts";
import type { CommandContext } from "../../protocol/command/command.ts";
import { readInput } from "../../protocol/command/run.ts";

/** @throws UsageError */
export function parseGatewayOptions(
  args: readonly string[],
  env: CommandContext["env"],
): { options: GatewayOptions; json: boolean } {
  const { options } = readInput(definition, splitArguments(args, definition.options), { env });
  return { options: gatewayOptions(options, env), json: options.json };
}
