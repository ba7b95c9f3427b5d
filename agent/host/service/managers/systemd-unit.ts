// The unit that systemd gets. Pure. A host gives people shells, so it is not shut away (ProtectHome and the like would hold for
// every session); what is said here is how it starts again, and what does not end with it.

import { recordLines } from "../record.ts";
import { refuseProgramPath, type Service } from "../service.ts";

const CREDENTIAL = "host-token";

/**
 * @param version systemd's own: a key that it does not know would be a warning in its log at each start
 * @throws CommandError stage `config`, code `unwritable_argument`
 */
export function systemdUnit(service: Service, version: number): string {
  const { user, env, tokenFile, handsOverToken } = service;
  const since = (first: number, ...lines: string[]) => (version >= first ? lines : []);
  const isSystem = user !== undefined;
  return `${[
    ...recordLines(service).map((line) => `# ${line}`),
    "[Unit]",
    "Description=Sallyport host: this machine as a workspace",
    "Documentation=man:sallyport-host(1)",
    ...(isSystem ? ["Wants=network-online.target", "After=network-online.target"] : []),
    // The host itself waits for the network, and a restart must not be given up for good.
    "StartLimitIntervalSec=0",
    "",
    "[Service]",
    `ExecStart=${commandLine(service)}`,
    // systemd sets HOME only where a user is named.
    ...(isSystem ? [`User=${user}`] : []),
    ...Object.entries(env).map(([name, value]) => `Environment=${quoted(`${name}=${value}`)}`),
    ...(tokenFile !== undefined && handsOverToken
      ? [`LoadCredential=${CREDENTIAL}:${withoutSpecifiers(tokenFile)}`]
      : []),
    "Restart=always",
    "RestartSec=5",
    ...since(254, "RestartSteps=6", "RestartMaxDelaySec=60"),
    "# A wrong command line stays wrong.",
    "RestartPreventExitStatus=2",
    "# What people left running (tmux, nohup) goes on when the host stops or is replaced by a newer one.",
    "KillMode=process",
    "TimeoutStopSec=20",
    "# A compiler that runs out of memory in a session must not take the host with it.",
    ...since(243, "OOMPolicy=continue"),
    "# Sessions get the first number.",
    "LimitNOFILE=1024:524288",
    "TasksMax=infinity",
    "",
    "[Install]",
    `WantedBy=${isSystem ? "multi-user.target" : "default.target"}`,
  ].join("\n")}\n`;
}

function commandLine(service: Service): string {
  const { program, args, tokenFile, handsOverToken } = service;
  const [path = "", ...words] = [...program, ...args];
  refuseProgramPath(path, /["'\\]/, "systemd");
  const token =
    tokenFile === undefined
      ? []
      : ["--token-file", handsOverToken ? `\${CREDENTIALS_DIRECTORY}/${CREDENTIAL}` : quoted(tokenFile, "$")];
  // systemd.service(5): variables are not expanded in the path of the program, so a $ there stays single.
  return [quoted(path), ...words.map((word) => quoted(word, "$")), ...token].join(" ");
}

/** One word as systemd.syntax(7) reads it. */
function quoted(word: string, variables?: "$"): string {
  const plain = withoutSpecifiers(variables === undefined ? word : word.replaceAll("$", "$$$$"));
  return /^[A-Za-z0-9_@%+=:,./$-]+$/.test(plain) ? plain : `"${plain.replace(/[\\"]/g, "\\$&")}"`;
}

/** systemd.unit(5), SPECIFIERS. */
function withoutSpecifiers(text: string): string {
  return text.replaceAll("%", "%%");
}
