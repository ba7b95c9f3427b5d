// The init script that OpenRC gets (openrc-run(8)). Pure. supervise-daemon starts the host again when it ends.

import { quoteForShell } from "../../../protocol/values/shell-word.ts";
import { CommandError } from "../../platform/command-error.ts";
import { recordLines } from "./record.ts";
import { argumentsOf, type Service } from "./service.ts";

/** @throws CommandError stage `config`, code `unwritable_argument`: OpenRC puts the program's path into a shell line by itself */
export function openrcScript(service: Service): string {
  const [command = "", ...words] = [...service.program, ...argumentsOf(service)];
  if (/["$`\\]/.test(command)) {
    throw new CommandError(
      "config",
      "unwritable_argument",
      `OpenRC cannot start ${JSON.stringify(command)}: install sallyport at a path without quotes, $ and backslashes.`,
    );
  }
  const { user, env, logFile } = service;
  // OpenRC evaluates command_args as shell words, so they are quoted twice: for that, and for this assignment.
  const set = (name: string, value: string) => `${name}=${quoteForShell(value)}`;
  return `${[
    "#!/sbin/openrc-run",
    ...recordLines(service).map((line) => `# ${line}`),
    "",
    'name="Sallyport host"',
    'description="Makes this machine a workspace"',
    ...Object.entries(env).map(([name, value]) => `export ${set(name, value)}`),
    "supervisor=supervise-daemon",
    set("command", command),
    set("command_args", words.map(quoteForShell).join(" ")),
    ...(user === undefined || user === "root" ? [] : [set("command_user", user)]),
    ...(logFile === undefined ? [] : [set("output_log", logFile), set("error_log", logFile)]),
    "respawn_delay=10",
    "# Without an end.",
    "respawn_max=0",
    "retry=TERM/20/KILL/5",
    "",
    "depend() {",
    "  use net dns",
    "  after firewall",
    "}",
  ].join("\n")}\n`;
}
