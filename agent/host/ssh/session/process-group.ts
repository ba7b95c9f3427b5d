// Signals for all that a session runs: its shell leads a process group of its own.

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
