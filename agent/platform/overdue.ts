// A time limit on a peer's answer that does not count a pause of this process, such as the machine's sleep, as the peer's
// silence: after one, timers run before what has arrived meanwhile is read.

/** Calls `overdue` after `ms`, unless it is called off: once what was there by then has been read. Returns the way out. */
export function whenOverdue(ms: number, overdue: () => void): () => void {
  let turn: NodeJS.Immediate | undefined;
  const timer = setTimeout(() => {
    // Sockets are seen to before each of the two: a connection may come about first, and its bytes be read in the next turn.
    turn = setImmediate(() => {
      turn = setImmediate(overdue);
    });
  }, ms);
  return () => {
    clearTimeout(timer);
    clearImmediate(turn);
  };
}
