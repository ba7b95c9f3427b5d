// How host and gateway learn how far their clocks are apart: each says its own time in a header of the request that becomes
// the control connection, and of its answer. In headers and not in control messages, since versions from before refuse
// messages with fields that they do not know. Not `Date`, which proxies in between may write anew.

/** Milliseconds since 1970, as the sender's clock shows them. */
export const TIME_HEADER = "sallyport-time";

/** Clocks that are further apart than this are worth a word (ms). */
export const CLOCK_OFF_MS = 30_000;

/** undefined: nothing that is a time, from 2001 to 2286. */
export function parseTime(value: unknown): number | undefined {
  return typeof value === "string" && /^[0-9]{13}$/.test(value) ? Number(value) : undefined;
}
