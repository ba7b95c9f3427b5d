// Every command of `sallyport`, by name. A command's code is loaded only when it is asked for: a companion is on the
// person's way into a workspace and must not wait for the gateway's dependencies.

import type { Command } from "../../protocol/command/command.ts";

export interface CommandEntry {
  /** One line in the list of commands. */
  readonly summary: string;
  /** The command reads `--help` among its arguments by itself, because some of them belong to another program. */
  readonly readsHelp?: true;
  /** It talks to a gateway, and takes the flags of agent/cli/network-flags.ts. */
  readonly network?: true;
  /** Runs until it is stopped and passes bytes on meanwhile, of so many streams. */
  readonly staysAndCarries?: "few" | "many";
  load(): Promise<Command>;
}

export const COMMANDS: Readonly<Record<string, CommandEntry>> = {
  login: {
    summary: "sign in at a gateway",
    network: true,
    load: async () => (await import("./commands/login/command.ts")).command,
  },
  logout: {
    summary: "forget a gateway's access token",
    network: true,
    load: async () => (await import("./commands/logout/command.ts")).command,
  },
  list: {
    summary: "list the workspaces that you can reach",
    network: true,
    load: async () => (await import("./commands/list/command.ts")).command,
  },
  shares: {
    summary: "accept, decline and leave workspaces that others share with you",
    network: true,
    load: async () => (await import("./commands/shares/command.ts")).command,
  },
  workspace: {
    summary: "look at a workspace's host keys, and accept or decline a changed one",
    network: true,
    load: async () => (await import("./commands/workspace/command.ts")).command,
  },
  ssh: {
    summary: "open a workspace with your own ssh",
    network: true,
    readsHelp: true,
    load: async () => (await import("./commands/ssh/command.ts")).command,
  },
  "config-ssh": {
    summary: "put your workspaces into your SSH configuration",
    network: true,
    load: async () => (await import("./commands/config-ssh/command.ts")).command,
  },
  tunnel: {
    summary: "carry SSH over WebSocket: ssh's ProxyCommand, or a local port",
    network: true,
    load: async () => (await import("./commands/tunnel/command.ts")).command,
  },
  host: {
    summary: "make this machine reachable as a workspace",
    network: true,
    staysAndCarries: "few",
    load: async () => (await import("./commands/host/command.ts")).command,
  },
  keys: {
    summary: "list, add and remove your SSH public keys",
    network: true,
    load: async () => (await import("./commands/keys/command.ts")).command,
  },
  "known-hosts": {
    summary: "print a gateway's SSH host keys, to pin them",
    network: true,
    load: async () => (await import("./commands/known-hosts/command.ts")).command,
  },
  token: {
    summary: "create, list and revoke access tokens and owner tokens",
    network: true,
    load: async () => (await import("./commands/token/command.ts")).command,
  },
  gateway: {
    summary: "run the server where hosts and companions meet",
    staysAndCarries: "many",
    load: () => import("../../gateway/program/command.ts"),
  },
  doctor: {
    summary: "find out where a connection to a workspace fails",
    network: true,
    load: async () => (await import("./commands/doctor/command.ts")).command,
  },
  version: {
    summary: "print the version",
    load: async () => (await import("./commands/version/command.ts")).command,
  },
};
