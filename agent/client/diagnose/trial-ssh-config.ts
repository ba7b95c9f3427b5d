// The SSH configuration of a trial connection. ssh takes the first value of each setting (ssh_config(5)): the trial's own
// settings come first, then the person's configuration, for the rest, such as the keys to offer. Pure.

import type { GatewayUrl } from "../../../protocol/values/gateway-url.ts";
import type { HostName, Port } from "../../../protocol/values/host-name.ts";
import type { SshPublicKey } from "../../../protocol/values/ssh-public-key.ts";
import { withKeysFor } from "../known-hosts/known-hosts-lines.ts";
import { optionPath, proxyCommand } from "../ssh-command/quote.ts";

export interface TrialTarget {
  /** The name that ssh is given, under which the host keys are pinned as well. */
  readonly alias: string;
  /** The workspace's name for the gateway. */
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

/** Paths of the trial's own files, in a directory that is removed afterwards. */
export interface TrialFiles {
  readonly config: string;
  readonly knownHosts: string;
  /** The log of the ssh to the gateway's SSH port. */
  readonly jumpLog: string;
}

export interface TrialSsh {
  readonly program: string;
  /** The person's configuration where it is not ssh's default one. */
  readonly configFile: string | undefined;
  readonly platform: NodeJS.Platform;
}

/**
 * The trial asks no questions, writes nothing of the person's (known hosts, agent, shared connections), and runs only its own
 * command.
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

export function trialConfig(target: TrialTarget, files: TrialFiles, ssh: TrialSsh): string {
  const { platform } = ssh;
  const { transport, alias } = target;
  const lines = [
    `Host ${alias}`,
    `  HostName ${target.workspace}`,
    `  HostKeyAlias ${alias}`,
    `  ProxyCommand ${proxyCommand(proxyWords(target, files, ssh), platform)}`,
  ];
  if (transport.kind === "direct") {
    lines.push(
      `Host ${transport.jump}`,
      `  HostName ${transport.host}`,
      `  Port ${transport.port}`,
      `  HostKeyAlias ${transport.jump}`,
      // So that a block for this name in the person's configuration cannot lead elsewhere.
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

export function trialKnownHosts(target: TrialTarget): string {
  const text = withKeysFor("", target.alias, target.hostKeys);
  return target.transport.kind === "direct"
    ? withKeysFor(text, target.transport.jump, target.transport.hostKeys)
    : text;
}

/** `ssh -W`, which is what ProxyJump runs, so that each ssh has its own log. */
function proxyWords(
  { transport, workspace }: TrialTarget,
  files: TrialFiles,
  ssh: TrialSsh,
): readonly string[] {
  if (transport.kind === "tunnel") return [...transport.companion, transport.gateway, workspace];
  const log = ["-v", "-E", files.jumpLog];
  return [ssh.program, "-F", files.config, ...log, "-W", `${workspace}:22`, "--", transport.jump];
}

/** With -F ssh reads no other file by itself. Include ignores a file that does not exist. */
function includes({ configFile, platform }: TrialSsh): string[] {
  if (configFile === "none") return [];
  if (configFile === undefined) {
    return platform === "win32" ? ["~/.ssh/config"] : ["~/.ssh/config", "/etc/ssh/ssh_config"];
  }
  const plain =
    platform === "win32" ? configFile.replaceAll("\\", "/") : configFile.replace(/[[\]*?\\]/g, "\\$&");
  return [/^[A-Za-z0-9_@%+=:,./~-]+$/.test(plain) ? plain : `"${plain.replaceAll('"', '\\"')}"`];
}
