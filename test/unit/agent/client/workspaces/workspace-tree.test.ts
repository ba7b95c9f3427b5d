import { expect, test } from "vitest";
import type { FeedState } from "../../../../../agent/client/workspaces/gateway-feed.ts";
import { inOrder, workspaceKey } from "../../../../../agent/client/workspaces/workspace-list.ts";
import {
  childNodes,
  contextValue,
  type GatewayView,
  nodeId,
  onlineCount,
  parentNode,
  presenceOf,
  rootNodes,
  type TreeNode,
  welcome,
} from "../../../../../agent/client/workspaces/workspace-tree.ts";
import type { Workspace } from "../../../../../protocol/api.ts";
import { parseGatewayUrl } from "../../../../../protocol/values/gateway-url.ts";
import { workspace } from "./workspaces.ts";

const gateway = parseGatewayUrl("https://gw.example");
const none = new Map<string, number>();
const states: Readonly<Record<FeedState["kind"], FeedState>> = {
  loading: { kind: "loading" },
  online: { kind: "online" },
  offline: { kind: "offline", message: "refused", retryInMs: 1 },
  error: { kind: "error", message: "strange", retryInMs: 1 },
  "signed-out": { kind: "signed-out", code: "token_revoked", message: "no" },
};

function view(state: FeedState["kind"], ...workspaces: Workspace[]): GatewayView {
  const byId = new Map(workspaces.map((one) => [one.id, one]));
  return { gateway, state: states[state], workspaces: byId, offers: new Map() };
}

test("without an account the tree is empty and says how to sign in", () => {
  expect(welcome([])).toBe("signed-out");
  expect(rootNodes([])).toEqual([]);
});

test.each([
  ["loading", "loading"],
  ["online", "none"],
  ["offline", "offline"],
  ["error", "error"],
  ["signed-out", "expired"],
] as const)("a single gateway that is %s and has nothing to list says so: %s", (state, expected) => {
  expect(welcome([view(state)])).toBe(expected);
  expect(rootNodes([view(state)])).toEqual([]);
});

test("workspaces that are known stay in sight while their gateway is out of reach, with a notice above them", () => {
  const dev = workspace("dev");
  const seen = view("offline", dev);
  expect(welcome([seen])).toBe("list");
  const root = rootNodes([seen])[0];
  expect(root).toEqual({ kind: "gateway", gateway });
  if (root === undefined) return;
  expect(childNodes(root, seen, none)).toEqual([
    { kind: "notice", gateway, notice: "offline" },
    { kind: "workspace", gateway, id: dev.id },
  ]);
});

test("what is offline is folded away below what is online", () => {
  const [on, off] = [workspace("on"), workspace("off", { online: false })];
  const seen = view("online", off, on);
  expect(childNodes({ kind: "gateway", gateway }, seen, none)).toEqual([
    { kind: "workspace", gateway, id: on.id },
    { kind: "offline-folder", gateway },
  ]);
  expect(childNodes({ kind: "offline-folder", gateway }, seen, none)).toEqual([
    { kind: "workspace", gateway, id: off.id },
  ]);
  expect(parentNode({ kind: "workspace", gateway, id: off.id }, seen)?.kind).toBe("offline-folder");
  expect(parentNode({ kind: "workspace", gateway, id: on.id }, seen)?.kind).toBe("gateway");
});

test("workspaces come online first, then recent first, then by name", () => {
  const [a, b, c, d] = [
    workspace("a"),
    workspace("b"),
    workspace("c", { online: false }),
    workspace("d", { mine: false, owner: "bo" }),
  ];
  const used = new Map([
    [workspaceKey(gateway, b.id), 2],
    [workspaceKey(gateway, c.id), 3],
  ]);
  const ordered = inOrder(
    [c, d, a, b].map((one) => ({ gateway, workspace: one })),
    used,
  );
  expect(ordered.map((one) => one.workspace.name)).toEqual(["b", "a", "d", "c"]);
});

test("an id holds through a rename and a change of state, and two gateways' workspaces have different ones", () => {
  const dev = workspace("dev");
  const node: TreeNode = { kind: "workspace", gateway, id: dev.id };
  expect(nodeId(node)).toContain(dev.id);
  const other = parseGatewayUrl("https://other.example");
  expect(nodeId({ ...node, gateway: other })).not.toBe(nodeId(node));
});

test("the context says in words what can be done", () => {
  const [mine, shared, sealed] = [
    workspace("a"),
    workspace("b", { mine: false, online: false }),
    workspace("c", { endToEndOnly: true }),
  ];
  const seen = view("online", mine, shared, sealed);
  const of = ({ id }: Workspace) => contextValue({ kind: "workspace", gateway, id }, seen);
  expect(of(mine)).toBe("workspace online mine owner-token");
  expect(of(shared)).toBe("workspace offline shared");
  expect(of(sealed)).toBe("workspace online mine");
  expect(contextValue({ kind: "gateway", gateway }, view("signed-out"))).toBe("gateway expired");
});

test("what a workspace shows in a browser is offered only where it is an address for one", () => {
  const named = workspace("a", { browserUrl: "https://dev.example/" });
  const wrong = workspace("b", { browserUrl: "javascript:alert(1)" });
  const seen = view("online", named, wrong);
  const of = ({ id }: Workspace) => contextValue({ kind: "workspace", gateway, id }, seen);
  expect(of(named)).toBe("workspace online mine owner-token browser");
  expect(of(wrong)).toBe("workspace online mine owner-token");
});

test.each([
  ["online", "online", 1],
  ["offline", "was-online", 0],
  ["error", "was-online", 0],
  ["signed-out", "was-online", 0],
] as const)(
  "of a gateway that is %s, a workspace that was online when the gateway was last heard is %s",
  (state, presence, count) => {
    const [dev, off] = [workspace("dev"), workspace("off", { online: false })];
    expect(presenceOf(dev, states[state])).toBe(presence);
    expect(presenceOf(off, states[state])).toBe("offline");
    expect(onlineCount([view(state, dev, off)])).toBe(count);
  },
);

test("nothing is offered on workspaces of a gateway that no longer accepts the sign-in", () => {
  const dev = workspace("dev");
  const node: TreeNode = { kind: "workspace", gateway, id: dev.id };
  expect(contextValue(node, view("signed-out", dev))).toBe("workspace signed-out");
  expect(contextValue(node, view("offline", dev))).toBe("workspace online mine owner-token");
});

test("a thousand workspaces are laid out within a frame or two", () => {
  const many = Array.from({ length: 1_000 }, (_, index) =>
    workspace(`dev-${index}`, { online: index % 3 === 0, mine: index % 5 !== 0 }),
  );
  const seen = view("online", ...many);
  // The quickest of several: the others tell what else the machine had to do.
  const times = Array.from({ length: 20 }, () => {
    const started = performance.now();
    expect(childNodes({ kind: "gateway", gateway }, seen, none)).toHaveLength(334 + 1);
    return performance.now() - started;
  });
  expect(Math.min(...times)).toBeLessThan(50);
  expect(onlineCount([seen])).toBe(334);
});

test("what others offer stands at the end, and alone where there is nothing else", () => {
  const dev = workspace("dev");
  const offer = { id: "ws_x", name: "box", owner: "bob", pending: true, createdAt: "2026-01-01T00:00:00Z" };
  const offers = new Map([[offer.id, offer]]);
  const nodes = childNodes({ kind: "gateway", gateway }, { ...view("online", dev), offers }, none);
  expect(nodes.at(-1)).toEqual({ kind: "offer", gateway, id: offer.id });
  expect(nodes.map(nodeId)).toHaveLength(new Set(nodes.map(nodeId)).size);
  const only = { ...view("online"), offers };
  expect(welcome([only])).toBe("list");
  expect(contextValue({ kind: "offer", gateway, id: offer.id }, only)).toBe("offer");
});
