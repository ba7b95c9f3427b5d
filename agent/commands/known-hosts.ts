// `sallyport known-hosts`: a gateway's SSH host keys, as the gateway publishes them over TLS, in the form that ssh pins.

import { parsePublicKey } from "../../protocol/ssh-public-key.ts";
import { argument, readArguments } from "../arguments.ts";
import { type Command, type CommandContext, CommandError, UsageError } from "../command.ts";
import { resolveGateway } from "../credentials/store.ts";
import { gatewayApi } from "../gateway-api.ts";
import { networkFrom } from "../network/network.ts";
import { json } from "../output.ts";
import { knownHostsName } from "../ssh/known-hosts.ts";

const help = `
Usage: sallyport known-hosts [GATEWAY] [--json]

Prints the SSH host keys of a gateway as lines for a known_hosts file, so that the first \`ssh workspace@gateway\` asks
nothing. The keys are as trustworthy as the gateway's TLS certificate. Where new keys are announced, both are printed.

Options:
  --json   print an object

Example:
  sallyport known-hosts https://gateway.example >> ~/.ssh/known_hosts
`;

async function run(args: readonly string[], context: CommandContext): Promise<number> {
  const { values, positionals } = readArguments(args, {
    json: { type: "boolean" },
    verbose: { type: "boolean" },
  });
  const [given, ...more] = positionals;
  if (more.length > 0) throw new UsageError("known-hosts takes one gateway.");
  const gateway = argument(() => resolveGateway(given, context.env));
  const { ssh, hostKeys } = await gatewayApi(gateway, {
    signal: context.signal,
    network: networkFrom(context.env),
  }).discovery();
  if (ssh === null) {
    throw new CommandError("ssh", "not_found", `${gateway} serves no SSH: reach it with \`sallyport ssh\`.`);
  }
  const host = knownHostsName(ssh.host, ssh.port);
  const keys = hostKeys.map((line) => parsePublicKey(line));
  if (values.json === true) {
    const shown = keys.map(({ type, blob, fingerprint }) => ({ publicKey: `${type} ${blob}`, fingerprint }));
    context.stdout.write(json({ host, ssh, keys: shown }));
  } else {
    context.stdout.write(keys.map(({ type, blob }) => `${host} ${type} ${blob}\n`).join(""));
  }
  return 0;
}

export const command: Command = { help, run };
