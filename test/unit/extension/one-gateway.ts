// What the extension's commands need of the rest of it: one gateway with one workspace, and an empty memory.

import { History } from "../../../extension/history.ts";
import type { Workspace } from "../../../protocol/api.ts";
import { parseGatewayUrl } from "../../../protocol/values/gateway-url.ts";

const log = { debug() {}, info() {}, warn() {}, error() {}, show() {} };

export function oneGateway(workspace: Workspace) {
  const url = parseGatewayUrl("https://gw.example");
  const state = new Map<string, unknown>();
  const memento = {
    keys: () => [...state.keys()],
    get: (key: string, fallback?: unknown) => state.get(key) ?? fallback,
    update: (key: string, value: unknown) => {
      state.set(key, value);
      return Promise.resolve();
    },
  };
  const gateway = {
    gateway: url,
    state: { kind: "online" },
    account: { account: "ana" },
    workspaces: new Map([[workspace.id, workspace]]),
    list: () => Promise.resolve([workspace]),
    api: () => Promise.resolve({ workspace: () => Promise.resolve(workspace) }),
  };
  return {
    state,
    gateway,
    node: { kind: "workspace", gateway: url, id: workspace.id },
    services: {
      log,
      context: { subscriptions: [] },
      history: Reflect.construct(History, [memento]),
      gateways: { list: () => Promise.resolve([gateway]), get: () => gateway, known: [gateway] },
    },
  };
}
