// Signals: their names in SSH and in the operating system (RFC 4254 §6.9, §6.10), and how they are sent.

import { constants } from "node:os";

/** The names that RFC 4254 §6.10 lists: a client may send these. */
const LISTED = [
  "ABRT",
  "ALRM",
  "FPE",
  "HUP",
  "ILL",
  "INT",
  "KILL",
  "PIPE",
  "QUIT",
  "SEGV",
  "TERM",
  "USR1",
  "USR2",
];

/** undefined: a client may not send it. */
export function signalFromClient(name: string): NodeJS.Signals | undefined {
  return LISTED.includes(name) ? signalNamed(`SIG${name}`) : undefined;
}

/** The name in `exit-signal`: without SIG, and with a suffix where RFC 4254 does not list it. */
export function exitSignalName(signal: NodeJS.Signals): string {
  const bare = signal.replace(/^SIG/, "");
  return LISTED.includes(bare) ? bare : `${bare}@openssh.com`;
}

/** undefined: this system has no such signal. */
export function signalByNumber(number: number): NodeJS.Signals | undefined {
  const found = Object.entries(constants.signals).find(([, value]) => value === number);
  return found === undefined ? undefined : signalNamed(found[0]);
}

function signalNamed(name: string): NodeJS.Signals | undefined {
  return isSignal(name) ? name : undefined;
}

function isSignal(name: string): name is NodeJS.Signals {
  return name in constants.signals;
}

/**
 * Sends a signal to all that a session runs: its shell leads a process group of its own. False: no member is left, or none
 * that this user may signal.
 */
export function signalGroup(group: number, signal: NodeJS.Signals): boolean {
  return send(-group, signal) || send(group, signal);
}

function send(to: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(to, signal);
    return true;
  } catch {
    // ESRCH: all have ended, or the process is so new that it does not lead a group yet. EPERM: the rest runs as a
    // different user, started through sudo or the like.
    return false;
  }
}
