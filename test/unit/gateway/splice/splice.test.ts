import { randomBytes } from "node:crypto";
import { once } from "node:events";
import type { Duplex } from "node:stream";
import { setImmediate as immediate } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { WebSocket } from "ws";
import { splice } from "../../../../gateway/splice/splice.ts";
import { CLOSE } from "../../../../protocol/errors.ts";
import { HIGH_WATER_BYTES } from "../../../../protocol/limits.ts";
import { SUBPROTOCOL } from "../../../../protocol/values/gateway-url.ts";
import { partsOf } from "../../../../protocol/web-socket/web-socket-private.ts";
import { watched } from "../link/watched.ts";
import { type PairOptions, webSocketPairs } from "../link/web-socket-pair.ts";

let pairs: Awaited<ReturnType<typeof webSocketPairs>>;
beforeAll(async () => {
  pairs = await webSocketPairs();
});
afterAll(() => pairs.close());

/** left ⇄ [a ⇄ b] ⇄ right */
async function joined(masks: PairOptions = {}) {
  const [one, two] = [await pairs.make(masks), await pairs.make(masks)];
  let bytes = 0;
  const join = watched(
    (watcher) => splice(one.server, two.server, watcher),
    (a, b) => {
      bytes += a + b;
    },
  );
  return { left: one.client, right: two.client, a: one.server, b: two.server, join, bytes: () => bytes };
}

function socketOf(webSocket: WebSocket): Duplex {
  const parts = partsOf(webSocket);
  if (parts === undefined) throw new Error("ws is built otherwise");
  return parts.socket;
}

function collect(socket: WebSocket): Promise<Buffer> {
  const parts: Buffer[] = [];
  socket.on("message", (data) => parts.push(data as Buffer));
  return new Promise((resolve) => socket.on("close", () => resolve(Buffer.concat(parts))));
}

/** By message, and by relay. */
const MASKS = [{ zero: false }, { zero: true }];

describe("two spliced WebSockets", () => {
  test("carry bytes both ways, all of them before the close, and count them", async () => {
    const { left, right, join, bytes } = await joined();
    const [up, down] = [randomBytes(700_000), randomBytes(300_000)];
    const [gotRight, gotLeft] = [collect(right), collect(left)];
    right.send(down);
    await once(left, "message");
    left.send(up);
    left.close(CLOSE.normal);
    expect((await gotRight).equals(up)).toBe(true);
    expect((await gotLeft).equals(down)).toBe(true);
    expect(await join.ended).toMatchObject({ bytesFromA: up.length, bytesFromB: down.length });
    expect(bytes()).toBe(up.length + down.length);
  });

  test("relay frames with a zero mask: messages stay unchanged, and pings between them stay with their own side", async () => {
    const { left, right, a, b, join } = await joined({ zero: true });
    const sent = [70_000, 1, 0, 125, 126, 65_536, 1_000_000].map((size) => randomBytes(size));
    const messages: Buffer[] = [];
    const pongs: string[] = [];
    right.on("message", (data, isBinary) => messages.push(isBinary ? (data as Buffer) : Buffer.from("text")));
    left.on("pong", (data: Buffer) => pongs.push(data.toString()));
    // Nothing is gathered: a message of its receiver is what the relay left.
    let gathered = 0;
    a.on("message", () => gathered++);
    for (const [i, message] of sent.entries()) {
      left.send(message);
      left.ping(String(i));
      b.ping();
    }
    left.send(Buffer.from("in "), { fin: false });
    left.ping("between");
    left.send(Buffer.from("two"), { fin: true });
    await expect.poll(() => messages.length).toBe(sent.length + 1);
    expect(messages.map((message, i) => message.equals(sent[i] ?? Buffer.from("in two")))).not.toContain(
      false,
    );
    // One pong may answer several pings (RFC 6455 §5.5.3).
    await expect.poll(() => pongs.at(-1)).toBe("between");
    expect(pongs.slice(0, -1)).toEqual(pongs.slice(0, -1).toSorted());
    expect(gathered).toBe(0);
    left.close(CLOSE.normal);
    expect(await join.ended).toMatchObject({ bytesFromA: sent.reduce((sum, { length }) => sum + length, 6) });
  });

  test.each(MASKS)(
    "stop reading from one side while the other does not read (mask all zeros: $zero)",
    async (masks) => {
      const { left, right, a, b, join } = await joined(masks);
      right.pause();
      const chunk = Buffer.alloc(64 * 1024);
      // More than the kernel's socket buffers hold; the sender's own queue grows, the gateway's must not.
      for (let i = 0; i < 512; i++) left.send(chunk);
      await expect.poll(() => a.isPaused).toBe(true);
      expect(b.bufferedAmount).toBeLessThan(HIGH_WATER_BYTES + 2 * chunk.length);
      const received = collect(right);
      left.close(CLOSE.normal);
      right.resume();
      expect((await received).length).toBe(512 * chunk.length);
      await join.ended;
    },
  );

  test.each(MASKS)(
    "hold few single-byte messages for a side that does not read: each costs more than its byte (mask all zeros: $zero)",
    async (masks) => {
      const { left, right, a, b, join } = await joined(masks);
      right.pause();
      const filling = Buffer.alloc(256 * 1024);
      let filled = 0;
      while (b.bufferedAmount === 0) {
        b.send(filling);
        filled += filling.length;
        await immediate();
      }
      const before = b.bufferedAmount;
      // Each in a read of its own: messages that are read together leave as one.
      let sent = 0;
      for (; !a.isPaused; sent++) {
        left.send(Buffer.alloc(1));
        await immediate();
      }
      expect(b.bufferedAmount - before).toBeLessThan(HIGH_WATER_BYTES / 2);
      const received = collect(right);
      left.close(CLOSE.normal);
      right.resume();
      expect((await received).length).toBe(filled + sent);
      await join.ended;
    },
  );

  test.each([
    { borders: "kept", protocol: SUBPROTOCOL.resume },
    { borders: "without a meaning", protocol: SUBPROTOCOL.raw },
  ])("relay small messages that arrive together in few writes (borders $borders)", async ({ protocol }) => {
    const { left, right, b } = await joined({ zero: true, protocol });
    const writes = vi.spyOn(socketOf(b), "write");
    const messages: Buffer[] = [];
    right.on("message", (data) => messages.push(Buffer.from(data as Buffer)));
    const sizes = Array.from({ length: 5_000 }, (_, i) => (i % 997 === 0 ? 5_000 : i % 3));
    const sent = sizes.map((size, i) => Buffer.alloc(size, i % 251));
    socketOf(left).cork();
    for (const message of sent) left.send(message);
    socketOf(left).uncork();
    const all = Buffer.concat(sent);
    await expect.poll(() => Buffer.concat(messages).length).toBe(all.length);
    expect(Buffer.concat(messages).equals(all)).toBe(true);
    if (protocol === SUBPROTOCOL.resume) await expect.poll(() => messages.length).toBe(sent.length);
    expect(writes.mock.calls.length).toBeLessThan(sent.length / 10);
  });

  test.each(MASKS)(
    "are not blocked by any number of empty messages (mask all zeros: $zero)",
    async (masks) => {
      const { left, right } = await joined({ ...masks, protocol: SUBPROTOCOL.raw });
      const received: Buffer[] = [];
      right.on("message", (data) => received.push(data as Buffer));
      for (let i = 0; i < 3_000; i++) left.send(Buffer.alloc(0));
      left.send("after them", { binary: true });
      await expect.poll(() => Buffer.concat(received).toString()).toBe("after them");
    },
  );

  test("close one side when the other is cut", async () => {
    const { left, right, join } = await joined();
    const closed = once(right, "close");
    left.terminate();
    expect((await closed)[0]).toBe(CLOSE.peerGone);
    await join.ended;
  });

  test("end when one side was cut before they were joined", async () => {
    const [one, two] = [await pairs.make(), await pairs.make()];
    two.server.pause();
    two.client.terminate();
    await once(two.server, "close");
    const told = once(one.client, "close");
    const join = watched((watcher) => splice(one.server, two.server, watcher));
    expect((await told)[0]).toBe(CLOSE.peerGone);
    await join.ended;
  });

  test("end a side that sends text, or a message of more than 1 MiB", async () => {
    for (const [send, code] of [
      [(socket: WebSocket) => socket.send("text"), CLOSE.protocolError],
      [(socket: WebSocket) => socket.send(Buffer.alloc(1024 * 1024 + 1)), CLOSE.tooLarge],
    ] as const) {
      const { left, right, join } = await joined();
      const closed = [once(left, "close"), once(right, "close")];
      send(left);
      expect((await Promise.all(closed))[0]?.[0]).toBe(code);
      await join.ended;
    }
  });

  test("are closed from outside with a code and a reason", async () => {
    const { left, right, join } = await joined();
    const closed = [once(left, "close"), once(right, "close")];
    join.close(CLOSE.refused, "the token was revoked");
    for (const [code, reason] of await Promise.all(closed)) {
      expect([code, String(reason)]).toEqual([CLOSE.refused, "the token was revoked"]);
    }
  });
});
