// A time limit for a peer's answer. After a pause of this process, such as the machine's sleep, timers run before the bytes
// that have arrived are read; this limit gives them a chance, so that the pause does not count as the peer's silence.

/** Calls `overdue` after `ms`, once the bytes that had arrived by then have been read. Returns a function that cancels it. */
export function whenOverdue(ms: number, overdue: () => void): () => void {
  let turn: NodeJS.Immediate | undefined;
  const timer = setTimeout(() => {
    // Sockets are handled before each of the two: one may first be connected, and its bytes be read in the next turn.
    turn = setImmediate(() => {
      turn = setImmediate(overdue);
    });
  }, ms);
  return () => {
    clearTimeout(timer);
    clearImmediate(turn);
  };
}
