// The URL of what a workspace shows in a browser. The host names it and other people open it, so it is checked where it
// enters, and again before it is opened.

import { ProtocolError } from "../errors.ts";
import { TOKEN_PATTERN } from "./token.ts";

declare const brand: unique symbol;
/** An http or https URL in the form of the WHATWG URL standard, without a user name, a password or a token of ours. */
export type BrowserUrl = string & { readonly [brand]: "BrowserUrl" };

/** In characters, both as given and in the standard form. */
export const MAX_BROWSER_URL = 2048;

/** @throws ProtocolError `bad_url` with field `browserUrl` */
export function parseBrowserUrl(value: unknown): BrowserUrl {
  if (typeof value !== "string" || value.length > MAX_BROWSER_URL) {
    throw bad(`A browser URL must be text of at most ${MAX_BROWSER_URL} characters.`);
  }
  // The URL standard drops tabs and line breaks silently: what a person reads would not be what is opened.
  if (/[\p{Cc}\p{Cf}\p{Z}\\]/u.test(value)) {
    throw bad("A browser URL contains no blanks, backslashes or control characters.");
  }
  if (!/^https?:\/\//i.test(value)) throw bad("A browser URL must begin with https:// or http://.");
  let url: URL;
  try {
    url = new URL(value);
  } catch (cause) {
    throw bad("The browser URL is not a URL such as https://devbox.example/app.", cause);
  }
  if (url.username !== "" || url.password !== "") {
    throw bad(
      "A browser URL must contain no user name or password: everyone who can see the workspace would have it.",
    );
  }
  if (value.search(TOKEN_PATTERN) !== -1) {
    throw bad("The browser URL contains a Sallyport token, which no URL should: revoke that token.");
  }
  // Percent-encoding has made it longer.
  if (url.href.length > MAX_BROWSER_URL) {
    throw bad(`A browser URL must be text of at most ${MAX_BROWSER_URL} characters.`);
  }
  return url.href as BrowserUrl;
}

/** Returns undefined instead of throwing, for values from others. */
export function browserUrlOf(value: unknown): BrowserUrl | undefined {
  try {
    return parseBrowserUrl(value);
  } catch (error) {
    if (error instanceof ProtocolError) return undefined;
    throw error;
  }
}

/** Scheme, host and port: what a person is asked about, and what is remembered. */
export function browserOrigin(url: BrowserUrl): string {
  return new URL(url).origin;
}

function bad(message: string, cause?: unknown): ProtocolError {
  return new ProtocolError("bad_url", message, { field: "browserUrl", cause });
}
