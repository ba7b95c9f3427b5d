// The stream that a host dials in advance: the next connection uses it, it is replaced at once, and nobody gets in by it alone.

import { once } from "node:events";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { WebSocket } from "ws";
import { dialTunnel } from "../../../agent/client/tunnel/tunnel.ts";
import { NativeLink } from "../../../gateway/link/native-link.ts";
import { initiate } from "../../../protocol/resume/initiator.ts";
import { PROCESS_BYTES, WINDOW_MAX } from "../../../protocol/resume/limits.ts";
import { ByteBudget } from "../../../protocol/resume/outgoing.ts";
import { SUBPROTOCOL } from "../../../protocol/values/gateway-url.ts";
import { parseWorkspaceRef } from "../../../protocol/values/name.ts";
import { TestStack } from "../../support/link.ts";
import type { TestHost } from "../../support/test-host.ts";

let stack: TestStack;
let host: TestHost;
let token: string;
beforeEach(async () => {
  stack = await TestStack.start();
  token = (await stack.token(await stack.account("ann"), ["host", "connect"])).token;
  host = await stack.host({ token });
});
afterEach(() => stack.close());

const isWarm = (): boolean => {
  const link = stack.gateway.registry.get(host.id);
  return link instanceof NativeLink && link.isWarm;
};
const warm = () => expect.poll(isWarm).toBe(true);

async function connect(): Promise<{ socket: WebSocket; echo: (text: string) => Promise<string> }> {
  const target = { gateway: stack.url, workspace: parseWorkspaceRef("dev"), token };
  const socket = await dialTunnel(target, [SUBPROTOCOL.resume], AbortSignal.timeout(20_000));
  const { stream } = initiate(socket, {
    window: WINDOW_MAX,
    budget: new ByteBudget(PROCESS_BYTES),
    dial: () => Promise.reject(new Error("once only")),
    isFinal: () => true,
    onState: () => undefined,
  });
  stream.on("error", () => undefined);
  return {
    socket,
    echo: async (text) => {
      stream.write(text);
      return String((await once(stream, "data"))[0]);
    },
  };
}

test("standby streams serve one connection after the other, each with a stream of its own", async () => {
  for (let i = 0; i < 4; i++) {
    await warm();
    const { socket, echo } = await connect();
    expect(await echo(`hello ${i}`)).toBe(`hello ${i}`);
    expect(host.streams).toHaveLength(i + 1);
    if (i % 2 === 0) socket.terminate();
  }
});

test("a lost standby stream does no harm: the host dials back for the next connection", async () => {
  await warm();
  const [first, second, third] = await Promise.all([connect(), connect(), connect()]);
  expect(await Promise.all([first, second, third].map(({ echo }, i) => echo(`at once ${i}`)))).toEqual([
    "at once 0",
    "at once 1",
    "at once 2",
  ]);
});

test("a standby stream is closed with its link", async () => {
  await warm();
  await host.stop();
  await expect.poll(() => stack.gateway.registry.size).toBe(0);
  expect(isWarm()).toBe(false);
});
