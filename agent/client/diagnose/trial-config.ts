// The SSH configuration of a trial connection: what must hold for it stands first, so that it wins (ssh_config(5)); the
// person's own follows and says the rest, such as which keys are offered. Pure.

import type { GatewayUrl } from "../../../protocol/values/gateway-url.ts";
import type { HostName, Port } from "../../../protocol/values/host-name.ts";
import type { SshPublicKey } from "../../../protocol/values/ssh-public-key.ts";
import { withKeysFor } from "../known-hosts/known-hosts-lines.ts";
import { optionPath, proxyCommand } from "../ssh-command/quote.ts";

export interface TrialWay {
  /** Both the name that ssh is told and the one that the host keys are pinned under. */
  readonly alias: string;
  /** The workspace, as the gateway knows it. */
  readonly workspace: string;
  readonly hostKeys: readonly SshPublicKey[];
  readonly transport:
    | {
        readonly kind: "direct";
        readonly jump: string;
        readonly host: HostName;
        readonly port: Port;
        readonly hostKeys: readonly SshPublicKey[];
      }
    | { readonly kind: "tunnel"; readonly gateway: GatewayUrl; readonly companion: readonly string[] };
}

/** Where the trial's own files are: in a directory that is removed afterwards. */
export interface TrialFiles {
  readonly config: string;
  readonly knownHosts: string;
  /** What the ssh to the gateway's SSH port says, apart from the one to the workspace. */
  readonly jumpLog: string;
}

export interface TrialSsh {
  readonly program: string;
  /** The person's configuration where it is not ssh's default one. */
  readonly configFile: string | undefined;
  readonly platform: NodeJS.Platform;
}

/**
 * Nobody is asked, nothing of the person's is written (known hosts, agent, shared connections), and only the trial's own
 * command runs.
 */
const HARMLESS = [
  "BatchMode yes",
  "NumberOfPasswordPrompts 0",
  "ConnectionAttempts 1",
  "UpdateHostKeys no",
  "StrictHostKeyChecking yes",
  "VerifyHostKeyDNS no",
  "CanonicalizeHostname no",
  "CheckHostIP no",
  "NoHostAuthenticationForLocalhost no",
  "ProxyUseFdpass no",
  "PubkeyAuthentication yes",
  "PreferredAuthentications publickey",
  "Tunnel no",
  "AddKeysToAgent no",
  "ControlMaster no",
  "ControlPath none",
  "PermitLocalCommand no",
  "RemoteCommand none",
  "RequestTTY no",
  "ForwardAgent no",
  "ForwardX11 no",
  "ClearAllForwardings yes",
];

export function trialConfig(way: TrialWay, files: TrialFiles, ssh: TrialSsh): string {
  const { platform } = ssh;
  const { transport, alias } = way;
  const lines = [
    `Host ${alias}`,
    `  HostName ${way.workspace}`,
    `  HostKeyAlias ${alias}`,
    `  ProxyCommand ${proxyCommand(proxyWords(way, files, ssh), platform)}`,
  ];
  if (transport.kind === "direct") {
    lines.push(
      `Host ${transport.jump}`,
      `  HostName ${transport.host}`,
      `  Port ${transport.port}`,
      `  HostKeyAlias ${transport.jump}`,
      // A block for this name in the person's configuration may not lead anywhere else.
      "  ProxyCommand none",
    );
  }
  lines.push(
    "Host *",
    `  UserKnownHostsFile ${optionPath(files.knownHosts, platform)}`,
    `  GlobalKnownHostsFile ${optionPath(files.knownHosts, platform, "no-tokens")}`,
  );
  lines.push(...HARMLESS.map((line) => `  ${line}`));
  lines.push(...includes(ssh).map((path) => `  Include ${path}`));
  return lines.map((line) => `${line}\n`).join("");
}

export function trialKnownHosts(way: TrialWay): string {
  const text = withKeysFor("", way.alias, way.hostKeys);
  return way.transport.kind === "direct"
    ? withKeysFor(text, way.transport.jump, way.transport.hostKeys)
    : text;
}

/** Our own `ssh -W` in the place of ProxyJump, which does the same, so that each ssh has a log of its own. */
function proxyWords({ transport, workspace }: TrialWay, files: TrialFiles, ssh: TrialSsh): readonly string[] {
  if (transport.kind === "tunnel") return [...transport.companion, transport.gateway, workspace];
  const log = ["-v", "-E", files.jumpLog];
  return [ssh.program, "-F", files.config, ...log, "-W", `${workspace}:22`, "--", transport.jump];
}

/** Under -F ssh reads nothing by itself; a file that does not exist is no error to Include. */
function includes({ configFile, platform }: TrialSsh): string[] {
  if (configFile === "none") return [];
  if (configFile === undefined) {
    return platform === "win32" ? ["~/.ssh/config"] : ["~/.ssh/config", "/etc/ssh/ssh_config"];
  }
  const plain =
    platform === "win32" ? configFile.replaceAll("\\", "/") : configFile.replace(/[[\]*?\\]/g, "\\$&");
  return [/^[A-Za-z0-9_@%+=:,./~-]+$/.test(plain) ? plain : `"${plain.replaceAll('"', '\\"')}"`];
}
