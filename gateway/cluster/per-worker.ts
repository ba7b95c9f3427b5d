// Divides the bounds that hold for a whole gateway among the processes that serve it.

/**
 * One process's part of a bound.
 * @param least for bounds on one address or account: their connections are not spread evenly over the
 *   processes, so each process allows at least this many
 */
export function perWorker(limit: number, workers: number, least = 1): number {
  return Math.max(Math.ceil(limit / workers), Math.min(least, limit));
}
