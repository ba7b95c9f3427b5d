// Signals between SSH and the operating system (RFC 4254 §6.9, §6.10).

import { constants } from "node:os";

/** What a client may send, by its name there: RFC 4254's, and INFO as OpenSSH has it. */
const RECEIVED = [
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

/** undefined: not one that a client may send. */
export function signalFromClient(name: string): NodeJS.Signals | undefined {
  return RECEIVED.includes(name) ? signalNamed(`SIG${name}`) : undefined;
}

/** The name in `exit-signal`: without SIG, and with a suffix where RFC 4254 does not list it. */
export function exitSignalName(signal: NodeJS.Signals): string {
  const bare = signal.replace(/^SIG/, "");
  return RECEIVED.includes(bare) ? bare : `${bare}@openssh.com`;
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

/** Sends to every member; false if none is left. */
export function signalGroup(group: number, signal: NodeJS.Signals): boolean {
  return send(-group, signal) || send(group, signal);
}

function send(to: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(to, signal);
    return true;
  } catch {
    // ESRCH: all have ended, or the process is so new that it does not lead a group yet. EPERM: what is left is another
    // user's, started through sudo or the like.
    return false;
  }
}
