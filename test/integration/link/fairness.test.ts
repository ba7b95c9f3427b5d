// How much one account or one address can take: never everything.

import { once } from "node:events";
import { afterEach, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import type { LinkStream, StreamRequest } from "../../../gateway/link/link.ts";
import { StreamSlots } from "../../../gateway/link/streams/stream-slots.ts";
import { PATHS, SUBPROTOCOL } from "../../../protocol/values/gateway-url.ts";
import { parseName } from "../../../protocol/values/name.ts";
import { echo, TestStack } from "../../support/link.ts";

let stack: TestStack;
afterEach(() => stack?.close());

describe("of --max-streams", () => {
  test("one account gets half, and others get the rest", async () => {
    stack = await TestStack.start(["--max-streams", "8"]);
    const ann = await stack.token(await stack.account("ann"), ["host", "connect"]);
    const guest = await stack.account("ben");
    const ben = await stack.token(guest, ["connect"]);
    const host = await stack.host({ token: ann.token });
    const { store } = stack.gateway;
    const workspace = await store.workspace(host.id);
    if (workspace?.owner == null) throw new Error("no workspace");
    const owned = { ...workspace, owner: workspace.owner };
    await store.shares.add(owned, parseName("ben"), { account: "ann" });
    await store.shares.accept(host.id, guest, { account: "ben" });
    for (let i = 0; i < 5; i++) await stack.tunnel("dev.ann", ben.token);
    await expect(stack.tunnel("dev.ann", ben.token)).rejects.toMatchObject({
      code: "gateway_full",
      message: expect.stringMatching(/share/),
    });
    expect(await echo(await stack.tunnel("dev", ann.token), "still room")).toBe("still room");
    // Use of an owner token counts for the owner.
    const { token } = await store.ownerTokens.create(owned, 600, { account: "ann" });
    await stack.tunnel("dev", token);
    await expect(stack.tunnel("dev", token)).rejects.toMatchObject({ code: "gateway_full" });
  });
});

describe("of one workspace's streams", () => {
  const request = (account: string | null, address = "192.0.2.1"): StreamRequest => ({
    via: "tunnel",
    client: { account, address },
    resume: false,
  });
  const open = (slots: StreamSlots, asked: StreamRequest): Promise<LinkStream> =>
    slots.open(asked, () => Object.assign(Object.create(null), { on: () => undefined }));

  test("a sharee gets half, and the owner gets the rest", async () => {
    const counts: number[] = [];
    const slots = new StreamSlots({
      limit: 8,
      elsewhere: () => 0,
      onChange: (count) => counts.push(count),
    });
    for (let i = 0; i < 5; i++) await open(slots, request("mallory", `192.0.2.${i}`));
    await expect(open(slots, request("mallory"))).rejects.toMatchObject({ code: "gateway_full" });
    await open(slots, request("ada"));
    expect(counts).toEqual([1, 2, 3, 4, 5, 6]);
  });

  test("streams that wait for the host count as well, and no longer if it does not dial back", async () => {
    const slots = new StreamSlots({ limit: 1_000, elsewhere: () => 0, onChange: () => undefined });
    const never = Promise.withResolvers<WebSocket>();
    const waiting: Promise<unknown>[] = [];
    for (let i = 0; i < 33; i++) waiting.push(slots.open(request("mallory"), () => never.promise));
    await expect(slots.open(request("mallory"), () => never.promise)).rejects.toMatchObject({
      code: "workspace_timeout",
    });
    waiting.push(slots.open(request("ada"), () => never.promise));
    expect(slots.taken).toBe(34);
    never.reject(new Error("it does not come"));
    await Promise.allSettled(waiting);
    expect(slots.taken).toBe(0);
  });

  test("streams are shared by address where there is no account, together with those of other processes", async () => {
    const slots = new StreamSlots({ limit: 8, elsewhere: () => 4, onChange: () => undefined });
    for (let i = 0; i < 3; i++) await open(slots, request(null, `2001:db8::${i}`));
    await expect(open(slots, request(null, "2001:db8::ffff"))).rejects.toMatchObject({
      code: "gateway_full",
    });
    await open(slots, request(null, "192.0.2.1"));
    await expect(open(slots, request("ada"))).rejects.toThrow(/8 connections open, its limit/);
  });
});

describe("a request with an Origin, as web pages send it", () => {
  test.each([
    [PATHS.link, SUBPROTOCOL.control],
    [PATHS.tunnel, SUBPROTOCOL.raw],
    [PATHS.stream, SUBPROTOCOL.raw],
  ])("is refused at %s", async (path, subprotocol) => {
    stack = await TestStack.start(["--open"]);
    const dial = (options: object) =>
      new WebSocket(`${stack.url.replace("http", "ws")}${path}`, subprotocol, options);
    const page = dial({ origin: "https://evil.example" });
    page.on("error", () => undefined);
    const [, response] = await once(page, "unexpected-response");
    expect(response.statusCode).toBe(403);
    let body = "";
    for await (const chunk of response) body += chunk;
    expect(JSON.parse(body)).toMatchObject({ code: "forbidden", message: expect.stringContaining("Origin") });
    page.terminate();
  });
});
