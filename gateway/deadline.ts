// A timer for times that setTimeout cannot count (above 2^31 - 1 ms it fires at once): an owner token lives up to 30 days.

const LONGEST_MS = 2 ** 31 - 1;

/** Calls `reached` once at `time`, at once if that is past. Returns the way out. It does not keep the process alive. */
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
