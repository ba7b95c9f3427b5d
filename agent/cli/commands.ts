// Every command of `sallyport`, by name. A command's code is loaded only when it is asked for: a companion delays each ssh
// connection by its start, and must not load the gateway's dependencies. Definitions load without the code. To add one: a
// folder in commands/ with definition.ts and command.ts, and an entry below.

import type { Command } from "../../protocol/command/command.ts";
import type { CommandDefinition } from "../../protocol/command/definition.ts";

export interface CommandEntry {
  /** The command reads `--help` among its arguments by itself, because some of them belong to another program. */
  readonly readsHelp?: true;
  /** Runs until it is stopped, and relays the bytes of few or of many streams. */
  readonly staysAndCarries?: "few" | "many";
  /** SIGHUP does not end this command, which listens for it by itself. */
  readonly handlesSighup?: true;
  definition(): Promise<{ readonly definition: CommandDefinition }>;
  load(): Promise<{ readonly command: Command }>;
}

export const COMMANDS: Readonly<Record<string, CommandEntry>> = {
  login: {
    definition: () => import("./commands/login/definition.ts"),
    load: () => import("./commands/login/command.ts"),
  },
  logout: {
    definition: () => import("./commands/logout/definition.ts"),
    load: () => import("./commands/logout/command.ts"),
  },
  list: {
    definition: () => import("./commands/list/definition.ts"),
    load: () => import("./commands/list/command.ts"),
  },
  shares: {
    definition: () => import("./commands/shares/definition.ts"),
    load: () => import("./commands/shares/command.ts"),
  },
  workspace: {
    definition: () => import("./commands/workspace/definition.ts"),
    load: () => import("./commands/workspace/command.ts"),
  },
  ssh: {
    readsHelp: true,
    definition: () => import("./commands/ssh/definition.ts"),
    load: () => import("./commands/ssh/command.ts"),
  },
  "config-ssh": {
    definition: () => import("./commands/config-ssh/definition.ts"),
    load: () => import("./commands/config-ssh/command.ts"),
  },
  tunnel: {
    // From command.ts, which exports it too: definition.ts alone would be one more bundle file to load for each ssh connection.
    definition: () => import("./commands/tunnel/command.ts"),
    load: () => import("./commands/tunnel/command.ts"),
  },
  host: {
    staysAndCarries: "few",
    definition: () => import("./commands/host/definition.ts"),
    load: () => import("./commands/host/command.ts"),
  },
  keys: {
    definition: () => import("./commands/keys/definition.ts"),
    load: () => import("./commands/keys/command.ts"),
  },
  "known-hosts": {
    definition: () => import("./commands/known-hosts/definition.ts"),
    load: () => import("./commands/known-hosts/command.ts"),
  },
  token: {
    definition: () => import("./commands/token/definition.ts"),
    load: () => import("./commands/token/command.ts"),
  },
  gateway: {
    staysAndCarries: "many",
    // It reads its certificate again.
    handlesSighup: true,
    definition: () => import("../../gateway/program/definition.ts"),
    load: () => import("../../gateway/program/command.ts"),
  },
  doctor: {
    definition: () => import("./commands/doctor/definition.ts"),
    load: () => import("./commands/doctor/command.ts"),
  },
  config: {
    definition: () => import("./commands/config/definition.ts"),
    load: async () => ({
      command: (await import("./commands/config/command.ts")).configCommand(allDefinitions),
    }),
  },
  completion: {
    definition: () => import("./commands/completion/definition.ts"),
    load: async () => ({
      command: (await import("./commands/completion/command.ts")).completionCommand(allDefinitions),
    }),
  },
  help: {
    definition: () => import("./commands/help/definition.ts"),
    load: async () => ({
      command: (await import("./commands/help/command.ts")).helpCommand(allDefinitions),
    }),
  },
  upgrade: {
    definition: () => import("./commands/upgrade/definition.ts"),
    load: () => import("./commands/upgrade/command.ts"),
  },
  version: {
    definition: () => import("./commands/version/definition.ts"),
    load: () => import("./commands/version/command.ts"),
  },
};

// Commands about commands are handed the definitions, so that this table is part of the file that is started.

/** undefined: there is no such command. */
export function findCommand(name: string): CommandEntry | undefined {
  return Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
}

/** The definitions of all commands, in the order of help. */
export async function allDefinitions(): Promise<readonly CommandDefinition[]> {
  const loaded = await Promise.all(Object.values(COMMANDS).map((entry) => entry.definition()));
  return loaded.map(({ definition }) => definition);
}
