import { expect, test } from "vitest";
import type { Workspace } from "../../../protocol/api.ts";
import { applied } from "../../../web/events.ts";

const workspace = (id: string, online: boolean) => ({ id, online }) as Workspace;

test("a snapshot replaces what was known, and changes add, replace and remove", () => {
  const first = applied(undefined, {
    type: "snapshot",
    workspaces: [workspace("a", true), workspace("b", false)],
  });
  expect([...first.keys()]).toEqual(["a", "b"]);
  const changed = applied(first, { type: "workspace", workspace: workspace("b", true) });
  expect(changed.get("b")?.online).toBe(true);
  // Signals compare by identity, so that what was shown must not change in place.
  expect(first.get("b")?.online).toBe(false);
  const removed = applied(changed, { type: "workspace-removed", id: workspace("a", true).id });
  expect([...removed.keys()]).toEqual(["b"]);
  expect([...applied(removed, { type: "snapshot", workspaces: [] })]).toEqual([]);
});
