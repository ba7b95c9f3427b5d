// When an authority wants to be asked again.

/** Of a broken or malicious server's answer, no more than this counts. */
const MAX_WAIT_MS = 7 * 86_400_000;

/**
 * Milliseconds since 1970; undefined: it does not say.
 * @param header seconds, or a date (RFC 9110 §10.2.3)
 */
export function retryAfter(header: string | string[] | undefined, now: number): number | undefined {
  if (typeof header !== "string") return undefined;
  const at = /^\d{1,9}$/.test(header) ? now + Number(header) * 1_000 : Date.parse(header);
  return Number.isNaN(at) ? undefined : Math.min(Math.max(at, now), now + MAX_WAIT_MS);
}
