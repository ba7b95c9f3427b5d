// `sallyport known-hosts`: prints a gateway's SSH host keys, which it publishes over TLS, as lines of known_hosts.

import type { CommandContext } from "../../../../protocol/command/command.ts";
import { executable, type Input } from "../../../../protocol/command/run.ts";
import { type GatewayUrl, gatewayHost } from "../../../../protocol/values/gateway-url.ts";
import type { HostName } from "../../../../protocol/values/host-name.ts";
import { printable } from "../../../../protocol/values/printable.ts";
import { parsePublicKey } from "../../../../protocol/values/ssh-public-key.ts";
import { gatewayApi } from "../../../client/gateway-api.ts";
import { knownHostsName } from "../../../client/known-hosts/known-hosts-lines.ts";
import { CommandError } from "../../../platform/command-error.ts";
import { resolveGateway } from "../../../platform/credentials/store.ts";
import { networkFrom } from "../../../platform/network/configured-network.ts";
import { json } from "../../../platform/output.ts";
import { askYesNo, isTerminal } from "../../terminal.ts";
import { definition } from "./definition.ts";

async function run(
  { options, operands }: Input<typeof definition>,
  context: CommandContext,
): Promise<number> {
  const gateway = resolveGateway(operands.gateway, context.env);
  const { ssh, hostKeys } = await gatewayApi(gateway, {
    signal: context.signal,
    network: networkFrom(context.env),
  }).discovery();
  if (ssh === null) {
    throw new CommandError("ssh", "not_found", `${gateway} serves no SSH: reach it with \`sallyport ssh\`.`);
  }
  await requireOwnName(gateway, ssh.host, options["ssh-host"], context);
  const host = knownHostsName(ssh);
  const keys = hostKeys.map((line) => parsePublicKey(line));
  if (options.json) {
    const shown = keys.map(({ type, blob, fingerprint }) => ({ publicKey: `${type} ${blob}`, fingerprint }));
    context.stdout.write(json({ host, ssh, keys: shown }));
  } else {
    context.stdout.write(keys.map(({ type, blob }) => `${host} ${type} ${blob}\n`).join(""));
  }
  return 0;
}

/**
 * A gateway that may name any host could have its own keys trusted as those of a code host or a company's jump host.
 * @throws CommandError stage `config`, code `foreign_host`
 */
async function requireOwnName(
  gateway: GatewayUrl,
  named: HostName,
  accepted: string | undefined,
  { stdin, stderr, signal }: CommandContext,
): Promise<void> {
  const same = (host: string): boolean => bare(host) === bare(named);
  if (accepted === undefined ? same(gatewayHost(gateway)) : same(accepted)) return;
  const what = `${gateway} says that its SSH port is at ${named}, which is not the host of its URL.`;
  if (accepted === undefined && isTerminal(stdin)) {
    stderr.write(`${what} Its keys would be trusted as those of ${named} from now on.\n`);
    if (await askYesNo(`Does ${named} belong to this gateway?`, stdin, stderr, signal)) return;
  }
  const expected = accepted === undefined ? "" : ` You named ${JSON.stringify(printable(accepted))}.`;
  throw new CommandError(
    "config",
    "foreign_host",
    `${what}${expected} If that is right, run it again with --ssh-host ${named}.`,
  );
}

/** Host names are equal regardless of case, and of the dot at the end that makes them absolute. */
function bare(host: string): string {
  return host.toLowerCase().replace(/\.$/, "");
}

export const command = executable(definition, run);
