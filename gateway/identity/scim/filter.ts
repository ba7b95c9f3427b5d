// SCIM's filters (RFC 7644 §3.4.2.2), as far as identity providers need them to find a user: one attribute that equals a text.

import type { ScimFilter } from "../../store/sign-ins/scim-users.ts";
import { ScimError } from "./scim-error.ts";
import { attributeName } from "./user-resource.ts";

const FORM = /^\s*([A-Za-z0-9:._-]{1,100})\s+eq\s+("(?:[^"\\]|\\.){0,255}")\s*$/i;
const ATTRIBUTES = { username: "userName", externalid: "externalId", id: "id" } as const;

/** @throws ScimError invalidFilter */
export function parseFilter(text: string | undefined): ScimFilter {
  if (text === undefined) return null;
  const [, name = "", quoted = ""] = FORM.exec(text) ?? [];
  const attribute = Object.entries(ATTRIBUTES).find(([known]) => known === attributeName(name))?.[1];
  if (attribute === undefined) throw unknownFilter();
  try {
    const value: unknown = JSON.parse(quoted);
    if (typeof value === "string") return { attribute, value };
  } catch {
    // An escape that JSON does not have.
  }
  throw unknownFilter();
}

function unknownFilter(): ScimError {
  return new ScimError(
    "invalidFilter",
    'Only userName eq "…", externalId eq "…" and id eq "…" are understood.',
  );
}
