// Ansible asks the shell for the home directory of the name that it signs in with (`echo ~name`). Under sshd that is a user
// of the machine. Here it is the workspace's name, which no shell expands, so that Ansible would work in a directory named
// `~workspace`.

import { readFileSync } from "node:fs";

/** Exactly the command that Ansible's shell plugins send, for any shell. Other commands are the person's own. */
const ASKS_FOR_HOME = /^(\/[\w./-]+ -c 'echo ~)([\w.][\w.-]*)( && sleep 0')$/;

/** The command, unless it is Ansible's question and the machine has no user of that name: then the name is left out. */
export function withOwnHome(
  command: string,
  signedInAs: string,
  hasUser: (name: string) => boolean = isInPasswd,
): string {
  const [, before, name, after] = ASKS_FOR_HOME.exec(command) ?? [];
  return name === undefined || name !== signedInAs || hasUser(name) ? command : `${before}${after}`;
}

function isInPasswd(name: string): boolean {
  try {
    return readFileSync("/etc/passwd", "latin1")
      .split("\n")
      .some((line) => line.startsWith(`${name}:`));
  } catch {
    return false;
  }
}
