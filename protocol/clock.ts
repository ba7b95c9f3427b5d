// How host and gateway learn how far apart their clocks are: each states its time in a header, of the request that becomes the
// control connection and of its answer. Headers rather than control messages, because older versions refuse messages with
// fields that they do not know; and not `Date`, because proxies may rewrite it.

/** Milliseconds since 1970, as the sender's clock shows them. */
export const TIME_HEADER = "sallyport-time";

/** Clocks that are further apart than this are reported (ms). */
export const CLOCK_OFF_MS = 30_000;

/** Reads TIME_HEADER's value, from 2001 to 2286; undefined: it is not a time. */
export function parseTime(value: unknown): number | undefined {
  return typeof value === "string" && /^[0-9]{13}$/.test(value) ? Number(value) : undefined;
}
