import { beforeEach, expect, test } from "vitest";
import { OpenConnections, type Opened } from "../../../gateway/open-connections.ts";
import { newAccountId, newTokenId, newWorkspaceId } from "../../../protocol/id.ts";

const ada = newAccountId();
const token = newTokenId();
const workspace = newWorkspaceId();
const opened = (what: Partial<Opened>): Opened => ({
  accountId: null,
  tokenId: null,
  key: null,
  workspaceId: null,
  ...what,
});

let open: OpenConnections;
let ended: string[];
beforeEach(() => {
  open = new OpenConnections();
  ended = [];
  for (const [name, what] of [
    ["by account", { accountId: ada }],
    ["by account and key", { accountId: ada, key: "SHA256:a" }],
    ["by another account", { accountId: newAccountId(), key: "SHA256:a", workspaceId: workspace }],
    ["by token", { tokenId: token, workspaceId: workspace }],
    ["to the workspace by account", { accountId: ada, workspaceId: workspace }],
  ] as const) {
    open.add(opened(what), (message) => ended.push(`${name}: ${message}`));
  }
});

test.each([
  [{ accountId: ada }, ["by account: x", "by account and key: x", "to the workspace by account: x"]],
  [{ accountId: ada, key: "SHA256:a" }, ["by account and key: x"]],
  [{ tokenId: token }, ["by token: x"]],
  [{ workspaceId: workspace }, ["by another account: x", "by token: x", "to the workspace by account: x"]],
  [{ accountId: ada, workspaceId: workspace }, ["to the workspace by account: x"]],
  [{ accountId: newAccountId() }, []],
])("%j ends what matches all of it", (condition, expected) => {
  open.endWhere(condition, "x");
  expect(ended).toEqual(expected);
});

test("streams are counted until they have ended, once", () => {
  const leave = open.addStream(opened({ workspaceId: workspace }), () => leave());
  open.addStream(opened({}), () => undefined);
  expect(open.streams).toBe(2);
  open.endWhere({ workspaceId: workspace }, "x");
  leave();
  expect(open.streams).toBe(1);
});
