import { beforeEach, expect, test } from "vitest";
import { OpenConnections, type Opened, type ReachedWorkspace } from "../../../gateway/open-connections.ts";
import { newAccountId, newTokenId, newWorkspaceId } from "../../../protocol/values/id.ts";

const ada = newAccountId();
const [token, hostToken] = [newTokenId(), newTokenId()];
const workspace = newWorkspaceId();
const grace = newAccountId();
/** Grace's. */
const to: ReachedWorkspace = {
  workspaceId: workspace,
  ownerId: grace,
  link: { credential: { accountId: grace, tokenId: hostToken } },
};
const opened = (what: Partial<Opened>): Opened => ({
  accountId: null,
  tokenId: null,
  key: null,
  to: null,
  ...what,
});

let open: OpenConnections;
let ended: string[];
beforeEach(() => {
  open = new OpenConnections(100);
  ended = [];
  for (const [name, what] of [
    ["by account", { accountId: ada }],
    ["by account and key", { accountId: ada, key: "SHA256:a" }],
    ["by another account", { accountId: newAccountId(), key: "SHA256:a", to }],
    ["by token", { tokenId: token, to: { workspaceId: workspace, ownerId: null, link: undefined } }],
    ["to the workspace by account", { accountId: ada, to }],
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
  [{ ownerId: grace }, ["by another account: x", "to the workspace by account: x"]],
  [{ hostTokenId: hostToken }, ["by another account: x", "to the workspace by account: x"]],
  [{ ownerId: ada }, []],
  [{ accountId: newAccountId() }, []],
])("%j ends what matches all of it", (condition, expected) => {
  open.endWhere(condition, "x");
  expect(ended).toEqual(expected);
});

test("a stream ends when the token of the host that serves it now is revoked", () => {
  const [first, second] = [newTokenId(), newTokenId()];
  const moved: ReachedWorkspace = { ...to, link: { credential: { accountId: grace, tokenId: first } } };
  open.add(opened({ to: moved }), (message) => ended.push(message));
  moved.link = { credential: { accountId: grace, tokenId: second } };
  open.endWhere({ hostTokenId: first }, "the first one's");
  expect(ended).toEqual([]);
  open.endWhere({ hostTokenId: second }, "the present one's");
  expect(ended).toEqual(["the present one's"]);
});

test("streams are counted once, until they have ended", () => {
  const leave = open.addStream(opened({ to }), { how: "tunnel", address: "192.0.2.1" }, () => leave());
  open.addStream(opened({}), { how: "tunnel", address: "192.0.2.1" }, () => undefined);
  expect(open.streams).toBe(2);
  open.endWhere({ workspaceId: workspace }, "x");
  leave();
  expect(open.streams).toBe(1);
});

test("streams are listed newest first by those who may see them, and one of them is ended", () => {
  const closed: string[] = [];
  const stream = (by: Partial<Opened>, name: string) =>
    open.addStream(opened({ to, ...by }), { how: "jump", address: name }, (message) =>
      closed.push(`${name}: ${message}`),
    );
  for (let index = 0; index < 3; index++) stream({ accountId: ada }, `ada-${index}`);
  stream({ accountId: grace }, "grace");
  // Not a stream, so it is not listed.
  open.add(opened({ to }), () => undefined);
  const all = open.list({ workspaceId: workspace, accountId: null }, 10);
  expect(all.more).toBe(false);
  expect(all.connections.map(({ address }) => address)).toHaveLength(4);
  expect(all.connections.every(({ how }) => how === "jump")).toBe(true);
  expect(open.list({ workspaceId: workspace, accountId: null }, 3)).toMatchObject({ more: true });
  const own = open.list({ workspaceId: workspace, accountId: grace }, 10).connections;
  expect(own.map(({ address }) => address)).toEqual(["grace"]);
  // The id is the same each time.
  const [mine] = own;
  if (mine === undefined) throw new Error("no stream");
  expect(all.connections).toContainEqual(mine);
  expect(open.end({ workspaceId: workspace, accountId: ada }, mine.id, "x")).toBeUndefined();
  expect(open.end({ workspaceId: newWorkspaceId(), accountId: null }, mine.id, "x")).toBeUndefined();
  expect(closed).toEqual([]);
  expect(open.end({ workspaceId: workspace, accountId: grace }, mine.id, "over")).toBe("jump");
  expect(closed).toEqual(["grace: over"]);
});
