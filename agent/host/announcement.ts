// What `sallyport host` prints once it is registered: how to connect, as text for people and as JSON for programs. Pure.

import { formatConnectUrl } from "../../protocol/connect-url.ts";
import type { RegisteredMessage } from "../../protocol/control.ts";
import { type GatewayUrl, isLoopback, parseGatewayUrl } from "../../protocol/values/gateway-url.ts";
import { parseSshAddress } from "../../protocol/values/host-name.ts";
import { parseWorkspaceRef } from "../../protocol/values/name.ts";
import type { SshPublicKey } from "../../protocol/values/ssh-public-key.ts";

export interface Announced {
  /** What `registered` said. */
  readonly message: RegisteredMessage;
  /** As the host dialled it. */
  readonly gateway: GatewayUrl;
  readonly endToEndOnly: boolean;
  readonly hostKey: SshPublicKey;
}

/** `vscode://` addresses: an editor opens and connects. */
interface ConnectUrls {
  /** Trusts the host key that the gateway publishes; null for an accountless workspace, whose key is not published. */
  readonly connect: string | null;
  /** Carries the host key: where the gateway publishes a different one, the editor refuses to connect. */
  readonly pinned: string;
}

/** The first line of `--json`. */
export function readyEvent(announced: Announced) {
  const { id, name } = announced.message.workspace;
  return {
    event: "ready",
    workspace: { id, name },
    ssh: connectCommands(announced),
    links: connectUrls(announced),
    fingerprint: announced.hostKey.fingerprint,
  };
}

/** For people: lines of text. */
export function announcement(announced: Announced): string {
  const { message, gateway, hostKey } = announced;
  const { connect, pinned } = connectUrls(announced);
  const accountless = message.account === null;
  const account = accountless ? "" : ` (account ${message.account})`;
  const lines = [
    `Workspace ${message.workspace.name} is online at ${gateway}${account}.`,
    `Host key: ${hostKey.fingerprint}`,
    "Connect with:",
    ...connectCommands(announced).map((line) => `  ${line}`),
    ...(connect === null
      ? ["Open it in VS Code:"]
      : [
          "Open it in VS Code (you, and people it is shared with):",
          `  ${connect}`,
          "The same, but only with this host key:",
        ]),
    `  ${pinned}`,
    ...(accountless ? ["The id is a secret: anyone who has it and an allowed key can connect."] : []),
    "Press Ctrl-C to stop.",
  ];
  return `${lines.join("\n")}\n`;
}

/**
 * Commands that a person can copy: one for a machine with Sallyport and, where the gateway serves SSH, those for a stock
 * ssh. End-to-end connections come first.
 */
function connectCommands({ message, gateway, endToEndOnly, hostKey }: Announced): string[] {
  const { id, name } = message.workspace;
  const pinned = message.account === null ? ` --host-key '${hostKey.type} ${hostKey.blob}'` : "";
  const target = message.account === null ? id : name;
  const commands = [`sallyport ssh --gateway ${gateway}${pinned} ${target}`];
  if (message.ssh !== null) {
    // Checked, since these lines are pasted into a shell.
    const { host, port } = parseSshAddress(message.ssh);
    const jump = `${host.includes(":") ? `[${host}]` : host}${port === 22 ? "" : `:${port}`}`;
    commands.push(`ssh -J ${jump} ${target}`);
    if (!endToEndOnly) commands.push(`ssh ${port === 22 ? "" : `-p ${port} `}${target}@${host}`);
  }
  return commands;
}

/** Uses the id: the same name is a different workspace in other accounts, and names change. */
function connectUrls({ message, gateway, hostKey }: Announced): ConnectUrls {
  const place = {
    gateway: gatewayForOthers(message.publicUrl, gateway),
    workspace: parseWorkspaceRef(message.workspace.id),
  };
  return {
    connect: message.account === null ? null : formatConnectUrl({ ...place, hostKey: undefined }),
    pinned: formatConnectUrl({ ...place, hostKey }),
  };
}

/**
 * The gateway's URL for other machines. The host may have dialled an address that only it can reach, such as one of a
 * container's network, so the URL that the gateway names is better, unless it is a guess: a gateway that was not told its
 * public URL names an address of its own machine, or one without the TLS that a proxy in front of it adds.
 */
function gatewayForOthers(said: string, dialled: GatewayUrl): GatewayUrl {
  const url = parseGatewayUrl(said);
  const { protocol, hostname } = new URL(url);
  return protocol === "https:" && !isLoopback(hostname) ? url : dialled;
}
