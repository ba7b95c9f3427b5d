// When the authority suggests to renew a certificate (RFC 9773): it may ask for it early, before it revokes
// certificates or to spread its load.

import { X509Certificate } from "node:crypto";
import { authorityKeyId } from "./der.ts";
import type { SendRequest } from "./https-request.ts";
import { parse, RenewalInfo } from "./messages.ts";
import { retryAfter } from "./retry-after.ts";

export interface SuggestedWindow {
  /** Milliseconds since 1970. */
  readonly start: number;
  readonly end: number;
}

/** How the certificate is called (RFC 9773 §4.1); undefined: it does not name its issuer's key. */
export function certificateId(pem: string): string | undefined {
  const certificate = new X509Certificate(pem);
  const issuer = authorityKeyId(certificate.raw);
  if (issuer === undefined) return undefined;
  const digits = certificate.serialNumber.padStart(Math.ceil(certificate.serialNumber.length / 2) * 2, "0");
  const serial = Buffer.from(digits, "hex");
  // As in DER, where a first bit that is set would mean a negative number.
  const positive = (serial[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.from([0]), serial]) : serial;
  return `${issuer.toString("base64url")}.${positive.toString("base64url")}`;
}

/**
 * @param url the directory's `renewalInfo`
 * @returns the window, and when to ask again
 * @throws AcmeError
 */
export async function suggestedWindow(
  send: SendRequest,
  url: string,
  id: string,
): Promise<{ window: SuggestedWindow | undefined; askAgainAt: number | undefined }> {
  const { status, headers, body } = await send({ method: "GET", url: `${url.replace(/\/$/, "")}/${id}` });
  const askAgainAt = retryAfter(headers["retry-after"], Date.now());
  if (status !== 200) return { window: undefined, askAgainAt };
  const { suggestedWindow: asked } = parse(RenewalInfo, body, "renewal information");
  const window = { start: Date.parse(asked.start), end: Date.parse(asked.end) };
  return { window: window.start < window.end ? window : undefined, askAgainAt };
}
