// Names that people choose for accounts and workspaces. They end up in shells, SSH configuration, paths and URLs, so there is
// one strict form for all of these; it is checked at input, and again before each such use.

import { ProtocolError } from "../errors.ts";
import { ID_PATTERN, parseWorkspaceId, type WorkspaceId } from "./id.ts";

declare const brand: unique symbol;
/** 1–40 characters of a-z, 0-9 and inner hyphens: safe in a host name (RFC 1123 §2.1), a path and a shell word. */
export type Name = string & { readonly [brand]: "Name" };

export const NAME_PATTERN = "^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$";
const nameRegExp = new RegExp(NAME_PATTERN);

export function isName(value: unknown): value is Name {
  return typeof value === "string" && nameRegExp.test(value) && !value.endsWith("\n");
}

/** @throws ProtocolError `bad_name` with `field` */
export function parseName(value: unknown, field = "name"): Name {
  if (isName(value)) return value;
  throw new ProtocolError(
    "bad_name",
    `${field} must be 1 to 40 characters of a-z, 0-9 and -, and neither start nor end with -.`,
    { field },
  );
}

/** Turns free text, such as a machine's host name, into the nearest allowed name; `fallback` if nothing is left of it. */
export function nearestName(text: string, fallback: string): Name {
  const name = text
    .toLowerCase()
    .replace(/\..*$/s, "")
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+/, "")
    .slice(0, 40)
    .replace(/-+$/, "");
  return parseName(name === "" ? fallback : name);
}

/** How people refer to a workspace: by its id, its name, or `name.owner` if it belongs to a different account. */
export type WorkspaceRef =
  | { readonly kind: "id"; readonly id: WorkspaceId }
  | { readonly kind: "name"; readonly name: Name; readonly owner: Name | undefined };

const inner = (pattern: string): string => pattern.replace(/^\^|\$$/g, "");
/** What `parseWorkspaceRef` accepts, for schemas. */
export const WORKSPACE_REF_PATTERN = `^(?:${inner(ID_PATTERN.workspace)}|${inner(NAME_PATTERN)}(?:\\.${inner(NAME_PATTERN)})?)$`;

/** @throws ProtocolError `bad_name` with field `workspace` */
export function parseWorkspaceRef(value: unknown): WorkspaceRef {
  if (typeof value === "string" && value.length <= 100) {
    if (value.startsWith("ws_")) return { kind: "id", id: parseWorkspaceId(value) };
    const [name, owner, more] = value.split(".");
    if (isName(name) && more === undefined && (owner === undefined || isName(owner))) {
      return { kind: "name", name, owner };
    }
  }
  throw new ProtocolError("bad_name", "Name a workspace by its name, by name.owner, or by its id (ws_…).", {
    field: "workspace",
  });
}

export function formatWorkspaceRef(ref: WorkspaceRef): string {
  if (ref.kind === "id") return ref.id;
  return ref.owner === undefined ? ref.name : `${ref.name}.${ref.owner}`;
}
