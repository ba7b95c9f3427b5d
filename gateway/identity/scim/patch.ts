// SCIM's PATCH (RFC 7644 §3.5.2) as identity providers send it: Entra names a path and writes "Replace" and "False", Okta
// sends an object without a path. What comes out is the attributes that change.

import { type Static, Type } from "typebox";
import { Check } from "typebox/value";
import { ScimError } from "./scim-error.ts";
import { attributeName, type UserAttributes, userAttributes } from "./user-resource.ts";

const Operation = Type.Object({
  op: Type.String({ maxLength: 20 }),
  path: Type.Optional(Type.String({ maxLength: 500 })),
  value: Type.Optional(Type.Unknown()),
});
const Operations = Type.Array(Operation, { minItems: 1, maxItems: 100 });
const Attributes = Type.Record(Type.String(), Type.Unknown());

/** @throws ScimError invalidSyntax, invalidValue */
export function patchedAttributes(body: Readonly<Record<string, unknown>>): UserAttributes {
  const operations = Object.entries(body).find(([name]) => name.toLowerCase() === "operations")?.[1];
  if (!Check(Operations, operations)) {
    throw new ScimError(
      "invalidSyntax",
      "Send one to a hundred Operations, each with op, and path or value.",
    );
  }
  return Object.assign({}, ...operations.map(changesOf));
}

function changesOf({ op, path, value }: Static<typeof Operation>): UserAttributes {
  switch (op.toLowerCase()) {
    case "add":
    case "replace":
      if (path !== undefined) return userAttributes({ [path]: value });
      if (Check(Attributes, value)) return userAttributes(value);
      throw new ScimError("invalidValue", "An operation without a path needs an object as its value.");
    case "remove":
      if (path === undefined) throw new ScimError("invalidSyntax", "An operation that removes needs a path.");
      return removed(path);
    default:
      throw new ScimError("invalidSyntax", "op must be add, replace or remove.");
  }
}

function removed(path: string): UserAttributes {
  switch (attributeName(path)) {
    case "externalid":
      return { externalId: null };
    case "displayname":
      return { display: "" };
    case "username":
    case "active":
      throw new ScimError("mutability", `${path} can't be removed.`);
    default:
      return {};
  }
}
