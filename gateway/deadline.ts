// A timer for delays beyond setTimeout's limit. Above 2^31 - 1 ms (25 days) setTimeout fires at once, and
// an owner token can live for 30 days.

const LONGEST_MS = 2 ** 31 - 1;

/**
 * Calls `reached` once at `time`, or at once where that is past. Does not keep the process alive.
 * Returns a function that cancels the call.
 */
export function atTime(time: Date, reached: () => void): () => void {
  let timer: NodeJS.Timeout | undefined;
  const wait = (): void => {
    const left = time.getTime() - Date.now();
    if (left > LONGEST_MS) timer = setTimeout(wait, LONGEST_MS);
    else timer = setTimeout(reached, Math.max(0, left));
    timer.unref();
  };
  wait();
  return () => clearTimeout(timer);
}
