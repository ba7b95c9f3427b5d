// What a peer is owed that asks and does not read.

import { setImmediate as immediate } from "node:timers/promises";
import { afterEach, expect, test } from "vitest";
import { decodeFrame, encodeFrame, FRAME } from "../../../../../protocol/resume/frame.ts";
import { encodeHello } from "../../../../../protocol/resume/handshake.ts";
import { PROCESS_BYTES, WINDOW_MAX } from "../../../../../protocol/resume/limits.ts";
import { ByteBudget } from "../../../../../protocol/resume/outgoing.ts";
import { Responder } from "../../../../../protocol/resume/responder.ts";
import { webSocketPairs } from "../../../gateway/link/web-socket-pair.ts";

const responder = new Responder({ budget: new ByteBudget(PROCESS_BYTES) });
let pairs: Awaited<ReturnType<typeof webSocketPairs>> | undefined;
afterEach(async () => {
  responder.close();
  await pairs?.close();
});

test.for([{ zero: true }, { zero: false }])(
  "a flood of pings is owed one pong more than those that have left, and the last is answered (zero mask: $zero)",
  async (masks) => {
    pairs = await webSocketPairs();
    // The end that answers is a client, as a host is; the other one is whatever dialled through the gateway.
    const { client: host, server: peer } = await pairs.make(masks);
    host.pause();
    responder.accept(host, "ada", (stream) => stream.on("error", () => undefined).resume());
    peer.send(encodeHello({ received: 0, window: WINDOW_MAX }, undefined).frame);
    const welcomed = new Promise<void>((resolve) => peer.once("message", () => resolve()));
    await welcomed;
    const pongs: string[] = [];
    peer.on("message", (data: Buffer) => {
      const frame = decodeFrame(data);
      if (frame.type === FRAME.pong) pongs.push(frame.payload.toString());
    });
    peer.pause();
    // Nothing leaves any more.
    while (host.bufferedAmount === 0) {
      host.ping(Buffer.alloc(100));
      for (let i = 0; i < 1_000; i++) host.ping(Buffer.alloc(100));
      await immediate();
    }
    await immediate();
    const before = host.bufferedAmount;
    let heard = 0;
    host.on("message", () => heard++);
    for (let i = 0; i < 5_000; i++) peer.send(encodeFrame(FRAME.ping, 0, 0, Buffer.from(String(i))));
    await expect.poll(() => heard).toBe(5_000);
    expect(host.bufferedAmount - before).toBeLessThan(200);
    peer.resume();
    await expect.poll(() => pongs).toEqual(["0", "4999"]);
  },
);
