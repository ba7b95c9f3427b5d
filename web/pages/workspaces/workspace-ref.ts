// How pages and commands name a workspace: by its name, and with its owner if it belongs to somebody else.

import type { Workspace } from "../../../protocol/api.ts";
import { PAGES } from "../../../protocol/sign-in/pages.ts";

type Named = Pick<Workspace, "name" | "owner" | "mine">;

export const refOf = ({ name, owner, mine }: Named): string => (mine ? name : `${name}.${owner}`);

/** The path of the workspace's page. Names need no encoding. */
export const pathOf = (workspace: Named): string => PAGES.workspace.replace(":ref", refOf(workspace));

/** Finds a workspace by its name, `name.owner` or id. */
export function findByRef(all: ReadonlyMap<string, Workspace>, ref: string): Workspace | undefined {
  const byId = all.get(ref);
  if (byId !== undefined) return byId;
  const found = [...all.values()];
  return (
    found.find((workspace) => refOf(workspace) === ref) ??
    found.find(({ name, owner }) => `${name}.${owner}` === ref)
  );
}
