// Tunnels to a workspace whose link was cut a moment ago: they wait for it to come back.

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { dialTunnel } from "../../../agent/client/tunnel/tunnel.ts";
import { parseGatewayUrl, SUBPROTOCOL } from "../../../protocol/values/gateway-url.ts";
import { parseName, parseWorkspaceRef } from "../../../protocol/values/name.ts";
import { acceptedShare } from "../../support/accepted-share.ts";
import { CutProxy } from "../../support/cut-proxy.ts";
import { echo, TestStack } from "../../support/link.ts";
import type { TestHost } from "../../support/test-host.ts";

let stack: TestStack;
let far: CutProxy;
let host: TestHost;
let token: string;
beforeEach(async () => {
  stack = await TestStack.start();
  far = await CutProxy.start(Number(new URL(stack.url).port));
  token = (await stack.token(await stack.account("ann"), ["host", "connect"])).token;
  host = await stack.host({ token, way: { gateway: parseGatewayUrl(far.url) } });
});
afterEach(async () => {
  vi.useRealTimers();
  await stack.close();
  await far.close();
});

const isOnline = () => stack.gateway.registry.online(host.id) !== undefined;
const refusals = () => stack.log.filter((line) => line.includes('"audit":"connection.refused"')).length;

/** From now on no time-out of the gateway ends a wait, or a recent cut. */
const stopClock = () => vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });

async function cut(): Promise<void> {
  far.holding = true;
  far.reset();
  await expect.poll(isOnline).toBe(false);
}

test("a tunnel waits for the workspace to come back", async () => {
  stopClock();
  await cut();
  const tunnels = Promise.all([1, 2, 3].map(() => stack.tunnel("dev", token)));
  // A later request has been answered: these wait.
  await expect(stack.tunnel("nope", token)).rejects.toMatchObject({ code: "workspace_unknown" });
  far.release();
  for (const tunnel of await tunnels) expect(await echo(tunnel, "there again")).toBe("there again");
});

test("a tunnel does not wait for ever", async () => {
  await cut();
  const began = performance.now();
  await expect(stack.tunnel("dev", token)).rejects.toMatchObject({ code: "workspace_offline" });
  expect(performance.now() - began).toBeGreaterThan(2_000);
});

test("a tunnel waits no longer than its client does", async () => {
  stopClock();
  await cut();
  const leave = new AbortController();
  const target = { gateway: stack.url, workspace: parseWorkspaceRef("dev"), token };
  const tunnel = dialTunnel(target, [SUBPROTOCOL.raw], leave.signal);
  tunnel.catch(() => undefined);
  await expect(stack.tunnel("nope", token)).rejects.toMatchObject({ code: "workspace_unknown" });
  const before = refusals();
  leave.abort();
  // Its time-out stays on the stopped clock, which a poll would move.
  vi.useRealTimers();
  await expect.poll(refusals).toBe(before + 1);
});

test("a tunnel's wait ends when the workspace is no longer shared with its account", async () => {
  stopClock();
  await cut();
  const { store } = stack.gateway;
  const guest = await stack.token(await stack.account("ben"), ["connect"]);
  const workspace = await store.workspace(host.id);
  if (workspace?.owner == null) throw new Error("no workspace");
  const { name } = workspace.owner;
  await acceptedShare(store, { ...workspace, owner: workspace.owner }, "ben");
  const tunnel = stack.tunnel("dev.ann", guest.token);
  const refused = expect(tunnel).rejects.toMatchObject({ code: "forbidden" });
  await expect(stack.tunnel("nope", token)).rejects.toMatchObject({ code: "workspace_unknown" });
  await store.shares.remove({ ...workspace, owner: workspace.owner }, parseName("ben"), { account: name });
  await refused;
});

test("a tunnel learns at once that a host was stopped, even if its link was cut just before", async () => {
  await cut();
  far.release();
  await expect.poll(isOnline).toBe(true);
  stopClock();
  await host.stop();
  await expect.poll(isOnline).toBe(false);
  await expect(stack.tunnel("dev", token)).rejects.toMatchObject({ code: "workspace_offline" });
});
