// Where an authorization's answer may go. A client's redirect URI is compared as text with the few forms that it can have,
// so that no two URL parsers can read it differently (RFC 9700 §4.1). Only the port and the editor's window vary.

import {
  EDITOR_REDIRECT,
  EDITOR_SCHEMES,
  LOOPBACK_REDIRECT_PATH,
  type OAuthClient,
} from "../../../protocol/sign-in/oauth.ts";

/** RFC 8252 §7.3: addresses, since `localhost` may resolve to something else, and any port. */
const LOOPBACK = new RegExp(
  `^http://(127\\.0\\.0\\.1|\\[::1\\]):([1-9][0-9]{0,4})${LOOPBACK_REDIRECT_PATH}$`,
);
const EDITOR = new RegExp(
  `^(${EDITOR_SCHEMES.join("|")})://${EDITOR_REDIRECT.replaceAll(".", "\\.")}(?:\\?windowId=[0-9]{1,10})?$`,
);

/** What people are shown of where the answer goes: `127.0.0.1`, `vscode`. undefined: it may not go there. */
export function redirectTarget(client: OAuthClient, redirectUri: string): string | undefined {
  const [, address, port] = LOOPBACK.exec(redirectUri) ?? [];
  if (address !== undefined && Number(port) <= 65_535) return address;
  return client === "sallyport-vscode" ? EDITOR.exec(redirectUri)?.[1] : undefined;
}

/** The redirect URI with the answer in its query. */
export function withAnswer(
  redirectUri: string,
  answer: Readonly<Record<string, string | undefined>>,
): string {
  const given = Object.entries(answer).filter((pair): pair is [string, string] => pair[1] !== undefined);
  const query = new URLSearchParams(given);
  return `${redirectUri}${redirectUri.includes("?") ? "&" : "?"}${query}`;
}
