// Reads `application/x-www-form-urlencoded` strictly: queries of authorization requests, and bodies of the OAuth endpoints.
// What browsers and libraries would mend or guess is refused, since two readers might mend it differently.

const MAX_PARAMETERS = 30;
const FORM = /^(?:[A-Za-z0-9*._~!$'(),;:@/?+=&-]|%[0-9A-Fa-f]{2})*$/;

/** Each parameter with all of its values, in order. undefined: it is malformed, or has too many parameters. */
export function readForm(text: string): ReadonlyMap<string, readonly string[]> | undefined {
  if (!FORM.test(text)) return undefined;
  const pairs = text.split("&").filter((pair) => pair !== "");
  if (pairs.length > MAX_PARAMETERS) return undefined;
  const form = new Map<string, string[]>();
  for (const pair of pairs) {
    const at = pair.indexOf("=");
    const name = decoded(at === -1 ? pair : pair.slice(0, at));
    const value = decoded(at === -1 ? "" : pair.slice(at + 1));
    if (name === undefined || value === undefined) return undefined;
    // An empty value counts as a missing one (RFC 6749 §3.1), but may not hide that a parameter is there twice.
    form.set(name, [...(form.get(name) ?? []), value]);
  }
  return form;
}

/** A parameter's value; undefined: it is missing or empty. `twice`: it is there more than once, which RFC 6749 forbids. */
export function parameter(
  form: ReadonlyMap<string, readonly string[]>,
  name: string,
): string | undefined | typeof TWICE {
  const values = form.get(name) ?? [];
  if (values.length > 1) return TWICE;
  return values[0] === "" ? undefined : values[0];
}

export const TWICE: unique symbol = Symbol("a parameter that is there twice");

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    // The bytes are not UTF-8.
    return undefined;
  }
}
