// What `sallyport host` says once it is registered: how people get in, for those who read it and for programs. Pure.

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

/** Links that a colleague clicks: an editor opens, and connects. */
export interface ConnectUrls {
  /** Takes the host key that the gateway publishes; null for an open registration, whose key nobody publishes. */
  readonly connect: string | null;
  /** Carries the host key: where the gateway publishes another one, the editor refuses. */
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

export function announcement(announced: Announced): string {
  const { message, gateway, hostKey } = announced;
  const { connect, pinned } = connectUrls(announced);
  const open = message.account === null;
  const lines = [
    `Workspace ${message.workspace.name} is online at ${gateway}${open ? "" : ` (account ${message.account})`}.`,
    `Host key: ${hostKey.fingerprint}`,
    "Connect with:",
    ...connectCommands(announced).map((line) => `  ${line}`),
    ...(connect === null
      ? ["A link that opens it in VS Code:"]
      : [
          "A link that opens it in VS Code, for you and whoever it is shared with:",
          `  ${connect}`,
          "The same, but only with this host key:",
        ]),
    `  ${pinned}`,
    ...(open ? ["The id is the secret: whoever has it and an allowed key comes in."] : []),
    "Press Ctrl-C to stop.",
  ];
  return `${lines.join("\n")}\n`;
}

/**
 * Commands that a person can copy, with Sallyport installed and, where the gateway serves SSH, with nothing but ssh: end
 * to end first.
 */
function connectCommands({ message, gateway, endToEndOnly, hostKey }: Announced): string[] {
  const { id, name } = message.workspace;
  const pinned = message.account === null ? ` --host-key '${hostKey.type} ${hostKey.blob}'` : "";
  const target = message.account === null ? id : name;
  const commands = [`sallyport ssh --gateway ${gateway}${pinned} ${target}`];
  if (message.ssh !== null) {
    // These lines are there to be pasted into a shell.
    const { host, port } = parseSshAddress(message.ssh);
    const jump = `${host.includes(":") ? `[${host}]` : host}${port === 22 ? "" : `:${port}`}`;
    commands.push(`ssh -J ${jump} ${target}`);
    if (!endToEndOnly) commands.push(`ssh ${port === 22 ? "" : `-p ${port} `}${target}@${host}`);
  }
  return commands;
}

/** By its id: a name is another workspace for everybody else, and may change. */
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
 * A host may reach its gateway by an address that nobody else can, such as the one of a container's network. What the
 * gateway says is better where it is more than its guess: a gateway that was not told its public URL names an address of
 * its own machine, or one without the TLS that a proxy adds.
 */
function gatewayForOthers(said: string, dialled: GatewayUrl): GatewayUrl {
  const url = parseGatewayUrl(said);
  const { protocol, hostname } = new URL(url);
  return protocol === "https:" && !isLoopback(hostname) ? url : dialled;
}
