// Tells an answer that a network gave in the gateway's place, above all the sign-in page of a hotel's or a train's Wi-Fi. Pure.

import { printable } from "../../../protocol/values/printable.ts";
import { CommandError } from "../command-error.ts";
import { isLoopback } from "./proxy/no-proxy.ts";

export interface Answer {
  readonly status: number;
  readonly location: string | undefined;
  readonly contentType: string | undefined;
}

/**
 * The failure that says so; undefined where it may be the gateway's own answer. What arrives by verified TLS is always the
 * server's, and what this machine answers its own: then only 511 (RFC 6585 §6) tells.
 * @param asked the URL that was asked for; its scheme says whether the answer is authentic
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
