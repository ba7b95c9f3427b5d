// A tunnel to a host whose link gives byte streams instead of WebSockets.

import { once } from "node:events";
import { PassThrough } from "node:stream";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { WorkspaceLink } from "../../../gateway/link/link.ts";
import { echo, TestStack } from "../../support/link.ts";

let stack: TestStack;
beforeEach(async () => {
  stack = await TestStack.start();
});
afterEach(() => stack.close());

test("a companion's tunnel is joined to it, and each end closes the other", async () => {
  const account = await stack.account("ada");
  const { token } = await stack.token(account, ["host", "connect"]);
  const { id } = await stack.host({ token });
  const stream = new PassThrough();
  const link: WorkspaceLink = {
    workspaceId: id,
    since: new Date(),
    address: "192.0.2.1",
    credential: null,
    hostKeys: [],
    streams: 0,
    openStream: () => Promise.resolve({ kind: "duplex", stream }),
    probe: () => Promise.resolve(true),
    close: () => undefined,
  };
  stack.gateway.registry.claim(link);
  const tunnel = await stack.tunnel("dev", token);
  expect(await echo(tunnel, "there and back")).toBe("there and back");
  const closed = once(stream, "close");
  tunnel.close();
  await closed;
});
