// Recognises an answer that the network gave instead of the gateway, such as the sign-in page of a hotel's or a train's Wi-Fi.
// Pure.

import { printable } from "../../../protocol/values/printable.ts";
import { CommandError } from "../command-error.ts";
import { isLoopback } from "./proxy/no-proxy.ts";

export interface Answer {
  readonly status: number;
  readonly location: string | undefined;
  readonly contentType: string | undefined;
}

/**
 * The failure to report; undefined where the answer may be the gateway's own. An answer over verified TLS, or from this
 * machine, always comes from the server: then only status 511 (RFC 6585 §6) counts.
 * @param asked the URL that was requested; its scheme says whether the answer is authentic
 */
export function foreignAnswer(
  { status, location, contentType }: Answer,
  asked: URL,
): CommandError | undefined {
  const encrypted = asked.protocol === "https:" || asked.protocol === "wss:";
  const plain = !encrypted && !isLoopback(asked.hostname.replace(/^\[|\]$/g, ""));
  const target =
    location !== undefined && URL.canParse(location, asked.href) ? new URL(location, asked) : undefined;
  const elsewhere =
    status >= 300 && status < 400 && target !== undefined && target.hostname !== asked.hostname;
  const page = plain && /^\s*text\/html\b/i.test(contentType ?? "");
  if (status !== 511 && !(plain && elsewhere) && !page) return undefined;
  const web = target?.protocol === "http:" || target?.protocol === "https:";
  const shown = web ? target.href : `http://${asked.host}/`;
  return new CommandError(
    "http",
    "captive_portal",
    `This network wants you to sign in first: open ${printable(shown, 500)} in a browser, then try again.`,
  );
}
