import { expect, test, vi } from "vitest";
import type { FeedState } from "../../../agent/client/workspaces/gateway-feed.ts";
import { parseGatewayUrl } from "../../../protocol/values/gateway-url.ts";
import { workspace } from "../agent/client/workspaces/workspaces.ts";

vi.mock("vscode", () => import("./fake-vscode.ts"));

const { treeItem } = await import("../../../extension/workspaces/tree-item.ts");
const { heldKeyLines } = await import("../../../extension/workspaces/workspace-words.ts");
const gateway = parseGatewayUrl("https://gw.example");
const dev = workspace("dev", { clients: 2 });

function shown(state: FeedState) {
  const view = { gateway, state, workspaces: new Map([[dev.id, dev]]), offers: new Map() };
  return treeItem({ kind: "workspace", gateway, id: dev.id }, view, "ana", "direct");
}

test("a workspace of a gateway that answers is green, says its state in words, and connects", () => {
  const item = shown({ kind: "online" });
  expect(item.iconPath).toMatchObject({ id: "vm-active", color: { id: "testing.iconPassed" } });
  expect(item.description).toBe("online · direct · 2 clients");
  expect(item.command?.command).toBe("sallyport.connectHere");
});

test("a workspace of a gateway that no longer accepts the sign-in is not green, and a click leads to signing in", () => {
  const item = shown({ kind: "signed-out", code: "token_revoked", message: "no" });
  expect(item.iconPath).toEqual({ id: "vm", color: undefined });
  expect(item.accessibilityInformation?.label).toBe("dev, was online");
  expect(item.command).toMatchObject({
    command: "sallyport.signIn",
    arguments: [{ kind: "gateway", gateway }],
  });
});

test("a workspace of a gateway that is out of reach is not green, but can be tried", () => {
  const item = shown({ kind: "offline", message: "refused", retryInMs: 1 });
  expect(item.iconPath).toEqual({ id: "vm", color: undefined });
  expect(item.description).toBe("was online");
  expect(item.command?.command).toBe("sallyport.connectHere");
});

test("a workspace under whose name a host came with a different key warns of it, and a click leads to the decision", () => {
  const publicKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJqSbUw1JamWFeKZSec3XarbFzU+qD+eGnqjuKUsR8f+";
  const held = {
    fingerprint: "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU",
    publicKey,
    since: new Date().toISOString(),
    address: "192.0.2.1",
  };
  const prod = workspace("prod", { online: false, hostKeys: [publicKey], heldHostKeys: [held] });
  const view = {
    gateway,
    state: { kind: "online" },
    workspaces: new Map([[prod.id, prod]]),
    offers: new Map(),
  } as const;
  const item = treeItem({ kind: "workspace", gateway, id: prod.id }, view, "ana", undefined);
  expect(item.iconPath).toMatchObject({ id: "warning" });
  expect(item.description).toBe("offline · new host key");
  expect(item.contextValue).toMatch(/^workspace .*\bheld\b/);
  expect(item.command?.command).toBe("sallyport.decideHostKey");
  expect(heldKeyLines(prod)).toEqual([
    expect.stringContaining("SHA256:"),
    `New host key: ${held.fingerprint}, now from 192.0.2.1`,
  ]);
});
