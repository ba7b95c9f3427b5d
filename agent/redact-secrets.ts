// Takes out of a text what must not be shown or kept: tokens, and the user name and password in a proxy's URL. Pure.

import { redactTokens } from "../protocol/token.ts";

/** Whoever puts a URL into a message meant its host. */
export function redactSecrets(text: string): string {
  return redactTokens(text).replace(/(\b(?:https?|socks[45]?[ah]?):\/\/)[^\s/]{1,600}@/gi, "$1…@");
}
