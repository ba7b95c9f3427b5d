import { expect, test, vi } from "vitest";
import type { FeedState } from "../../../agent/sessions/gateway-feed.ts";
import { parseGatewayUrl } from "../../../protocol/gateway-url.ts";
import { workspace } from "../agent/sessions/workspaces.ts";

vi.mock("vscode", () => import("./fake-vscode.ts"));

const { treeItem } = await import("../../../extension/sessions/tree-item.ts");
const gateway = parseGatewayUrl("https://gw.example");
const dev = workspace("dev", { clients: 2 });

function shown(state: FeedState) {
  const view = { gateway, state, workspaces: new Map([[dev.id, dev]]) };
  return treeItem({ kind: "session", gateway, id: dev.id }, view, "ana", "direct");
}

test("a session of a gateway that answers is green, says its state in words, and connects", () => {
  const item = shown({ kind: "online" });
  expect(item.iconPath).toMatchObject({ id: "vm-active", color: { id: "testing.iconPassed" } });
  expect(item.description).toBe("online · direct · 2 clients");
  expect(item.command?.command).toBe("sallyport.connectHere");
});

test("a session of a gateway that takes the sign-in no longer is not green, and a click leads to signing in", () => {
  const item = shown({ kind: "signed-out", code: "token_revoked", message: "no" });
  expect(item.iconPath).toEqual({ id: "vm", color: undefined });
  expect(item.accessibilityInformation?.label).toBe("dev, was online");
  expect(item.command).toMatchObject({
    command: "sallyport.signIn",
    arguments: [{ kind: "gateway", gateway }],
  });
});

test("a session of a gateway that is out of reach is not green, but can be tried", () => {
  const item = shown({ kind: "offline", message: "refused", retryInMs: 1 });
  expect(item.iconPath).toEqual({ id: "vm", color: undefined });
  expect(item.description).toBe("was online");
  expect(item.command?.command).toBe("sallyport.connectHere");
});
