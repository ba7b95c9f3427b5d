// Times as they come over the wire.

import { ProtocolError } from "../errors.ts";

/**
 * @param text has the form of RFC 3339, which the schemas check; there is no 60th second here
 * @throws ProtocolError bad_request
 */
export function parseTime(text: string, field: string): Date {
  const time = new Date(text);
  if (!Number.isNaN(time.getTime()) && time.toISOString().length === 24) return time;
  throw new ProtocolError("bad_request", `${field} is not a time, such as 2027-01-31T18:00:00Z.`, { field });
}
