// A user as SCIM writes it (RFC 7643 §4.1): what of it counts here, and how it is answered. Attributes that mean nothing here
// are ignored, as the RFC allows: identity providers send many.

import { Type } from "typebox";
import { isPrintable, printable } from "../../../protocol/values/printable.ts";
import type { ScimUser } from "../../store/sign-ins/scim-users.ts";
import { ScimError } from "./scim-error.ts";

export const USER_SCHEMA = "urn:ietf:params:scim:schemas:core:2.0:User";
const MAX_TEXT = 255;

/** The body of a request that creates or replaces a user, and of one that changes it. */
export const UserBody = Type.Record(Type.String(), Type.Unknown());

/** The attributes of a user that count here, as far as a request has them. null: it is to be removed. */
export interface UserAttributes {
  readonly userName?: string;
  readonly externalId?: string | null;
  readonly display?: string;
  readonly active?: boolean;
}

export function userResource(user: ScimUser, base: string) {
  return {
    schemas: [USER_SCHEMA],
    id: user.account_id,
    ...(user.external_id === null ? {} : { externalId: user.external_id }),
    userName: user.user_name,
    displayName: user.display,
    nickName: user.name,
    active: !user.disabled,
    meta: {
      resourceType: "User",
      created: user.created_at,
      lastModified: user.changed_at,
      location: `${base}/Users/${user.account_id}`,
    },
  };
}

/**
 * Names of attributes are equal in either case (RFC 7643 §2.1), and may begin with the schema's name.
 * @throws ScimError invalidValue
 */
export function userAttributes(body: Readonly<Record<string, unknown>>): UserAttributes {
  const found: { -readonly [K in keyof UserAttributes]: UserAttributes[K] } = {};
  for (const [name, value] of Object.entries(body)) {
    switch (attributeName(name)) {
      case "username":
        found.userName = text("userName", value);
        break;
      case "externalid":
        found.externalId = value === null || value === "" ? null : text("externalId", value);
        break;
      case "displayname":
        if (typeof value === "string") found.display = printable(value, MAX_TEXT);
        break;
      case "active":
        found.active = truth(value);
        break;
    }
  }
  return found;
}

/** The attribute's name in lower case, without its schema. */
export function attributeName(path: string): string {
  const lower = path.toLowerCase();
  const prefix = `${USER_SCHEMA.toLowerCase()}:`;
  return lower.startsWith(prefix) ? lower.slice(prefix.length) : lower;
}

/** Entra writes booleans as "True" and "False" (its own documentation says so). @throws ScimError invalidValue */
function truth(value: unknown): boolean {
  if (typeof value === "boolean") return value;
  const word = typeof value === "string" ? value.toLowerCase() : undefined;
  if (word === "true" || word === "false") return word === "true";
  throw new ScimError("invalidValue", "active must be true or false.");
}

function text(name: string, value: unknown): string {
  if (typeof value === "string" && value.trim() !== "" && value.length <= MAX_TEXT && isPrintable(value)) {
    return value;
  }
  throw new ScimError("invalidValue", `${name} must be 1 to ${MAX_TEXT} visible characters.`);
}
