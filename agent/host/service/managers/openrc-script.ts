// The init script that OpenRC gets (openrc-run(8)). Pure. supervise-daemon starts the host again when it ends.

import { quoteForShell } from "../../../../protocol/values/shell-word.ts";
import { recordLines } from "../record.ts";
import { argumentsOf, refuseProgramPath, type Service } from "../service.ts";

/** @throws CommandError stage `config`, code `unwritable_argument` */
export function openrcScript(service: Service): string {
  const [command = "", ...words] = [...service.program, ...argumentsOf(service)];
  // OpenRC evaluates it, within quotes of its own or without, as its version has it.
  refuseProgramPath(command, /[^\w@%+=:,./-]/, "OpenRC");
  const { user, home, env, logFile } = service;
  const set = (name: string, value: string) => `${name}=${quoteForShell(value)}`;
  return `${[
    "#!/sbin/openrc-run",
    ...recordLines(service).map((line) => `# ${line}`),
    "",
    'name="Sallyport host"',
    'description="Makes this machine a workspace"',
    // OpenRC leaves whatever its own caller has.
    `export ${set("HOME", home)}`,
    ...Object.entries(env).map(([name, value]) => `export ${set(name, value)}`),
    "supervisor=supervise-daemon",
    set("command", command),
    // OpenRC splits command_args at spaces, expands * in it, and then evaluates it: only names of variables survive that whole.
    ...words.map((word, index) => set(`argument_${index + 1}`, word)),
    `command_args='${words.map((_, index) => `"$argument_${index + 1}"`).join(" ")}'`,
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
