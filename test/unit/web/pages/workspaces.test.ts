// In which order the dashboard lists workspaces, which one a path means, and what it tells when they come and go.

import { expect, test } from "vitest";
import type { Workspace } from "../../../../protocol/api.ts";
import { parsePublicKey } from "../../../../protocol/values/ssh-public-key.ts";
import { fingerprintOf } from "../../../../web/pages/workspaces/detail/fingerprint.ts";
import { changes, inOrder } from "../../../../web/pages/workspaces/order.ts";
import { findByRef, pathOf, refOf } from "../../../../web/pages/workspaces/workspace-ref.ts";

const workspace = (name: string, more: Partial<Workspace> = {}): Workspace => ({
  id: `ws_${name}`,
  name,
  owner: "ada",
  mine: true,
  online: false,
  clients: 0,
  endToEndOnly: false,
  hostKeys: [],
  createdAt: "2026-01-01T00:00:00.000Z",
  lastSeenAt: null,
  ...more,
});
const byId = (...all: Workspace[]): ReadonlyMap<string, Workspace> =>
  new Map(all.map((one) => [one.id, one]));
const names = (all: readonly Workspace[]): string[] => all.map(({ name }) => name);

test("orders by state, by name, or by when a workspace was last seen", () => {
  const all = [
    workspace("c", { lastSeenAt: "2026-01-03T00:00:00.000Z" }),
    workspace("b", { online: true, lastSeenAt: "2026-01-01T00:00:00.000Z" }),
    workspace("d"),
    workspace("a", { lastSeenAt: "2026-01-04T00:00:00.000Z" }),
  ];
  expect(names(inOrder(all, "online"))).toEqual(["b", "a", "c", "d"]);
  expect(names(inOrder(all, "name"))).toEqual(["a", "b", "c", "d"]);
  expect(names(inOrder(all, "seen"))).toEqual(["b", "a", "c", "d"]);
});

test("a path names a workspace of somebody else with its owner", () => {
  const mine = workspace("box");
  const theirs = workspace("box", { id: "ws_theirs", owner: "bob", mine: false });
  const all = byId(theirs, mine);
  expect([refOf(mine), refOf(theirs)]).toEqual(["box", "box.bob"]);
  expect(pathOf(theirs)).toBe("/workspaces/box.bob");
  expect(findByRef(all, "box")).toBe(mine);
  expect(findByRef(all, "box.ada")).toBe(mine);
  expect(findByRef(all, "box.bob")).toBe(theirs);
  expect(findByRef(all, "ws_theirs")).toBe(theirs);
  expect(findByRef(all, "bob")).toBeUndefined();
});

test("tells of a few workspaces that came online or went offline, and of none when there are many", () => {
  const before = byId(workspace("a"), workspace("b"), workspace("c", { online: true }));
  const after = byId(workspace("a", { online: true }), workspace("b", { clients: 1 }), workspace("c"));
  expect(names(changes(before, after))).toEqual(["a", "c"]);
  const many = Array.from({ length: 9 }, (_, index) => workspace(`n${index}`, { online: true }));
  expect(changes(before, byId(...many))).toEqual([]);
});

test("a fingerprint is the one that ssh-keygen prints", async () => {
  const key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJqSbUw1JamWFeKZSec3XarbFzU+qD+eGnqjuKUsR8f+ ada@laptop";
  expect(await fingerprintOf(key)).toBe(parsePublicKey(key).fingerprint);
});
