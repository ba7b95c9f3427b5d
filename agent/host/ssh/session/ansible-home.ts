// Ansible asks a shell for the home of the name that it signs in with. Under sshd that is a user of the machine; here it
// is the workspace's name, which no shell expands, and Ansible would then work in a directory that is named `~workspace`.

import { readFileSync } from "node:fs";

/** The whole of what its shell plugins send, with any shell; everything else is the person's own. */
const ASKS_FOR_HOME = /^(\/[\w./-]+ -c 'echo ~)([\w.][\w.-]*)( && sleep 0')$/;

/** The command; where it is that question, with the name left out unless the machine has a user of that name. */
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
