import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CLOSE } from "../../../../protocol/errors.ts";
import { HIGH_WATER_BYTES } from "../../../../protocol/limits.ts";
import { closeReason, webSocketStream } from "../../../../protocol/web-socket/web-socket.ts";
import { webSocketPairs } from "../../gateway/link/web-socket-pair.ts";

let pairs: Awaited<ReturnType<typeof webSocketPairs>>;
beforeAll(async () => {
  pairs = await webSocketPairs();
});
afterAll(() => pairs.close());

describe("a byte stream over a WebSocket", () => {
  test("gives the other side the same bytes, and an end", async () => {
    const { client, server } = await pairs.make();
    const sent = randomBytes(3_000_000);
    const received = buffer(webSocketStream(server));
    await pipeline(
      Readable.from([
        sent.subarray(0, 5),
        sent.subarray(5, 900_000),
        sent.subarray(900_000, 1_900_000),
        sent.subarray(1_900_000, 2_900_000),
        sent.subarray(2_900_000),
      ]),
      webSocketStream(client),
    );
    expect((await received).equals(sent)).toBe(true);
  });

  test("holds a bounded amount when nobody reads at the other end", async () => {
    const { client, server } = await pairs.make();
    server.pause();
    const stream = webSocketStream(client);
    const chunk = Buffer.alloc(64 * 1024);
    let written = 0;
    // As a source does that honours back-pressure: until the stream says that it is full.
    while (written < 200 * 1024 * 1024 && stream.write(chunk)) {
      written += chunk.length;
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(written).toBeLessThan(100 * 1024 * 1024);
    expect(client.bufferedAmount).toBeLessThan(2 * HIGH_WATER_BYTES);
    stream.destroy();
  });

  test("stops the socket while its reader is slow", async () => {
    const { client, server } = await pairs.make();
    const stream = webSocketStream(server);
    for (let i = 0; i < 100; i++) client.send(Buffer.alloc(64 * 1024));
    await expect.poll(() => server.isPaused).toBe(true);
    expect(stream.readableLength).toBeLessThanOrEqual(5 * 64 * 1024);
    const received = buffer(stream);
    client.close(CLOSE.normal);
    expect((await received).length).toBe(100 * 64 * 1024);
  });

  test("fails on a text message", async () => {
    const { client, server } = await pairs.make();
    const stream = webSocketStream(server);
    stream.resume();
    const closed = once(client, "close");
    client.send("text");
    const [error] = await once(stream, "error");
    expect(String(error)).toMatch(/text message/);
    await closed;
  });

  test("closes the connection when it is destroyed", async () => {
    const { client, server } = await pairs.make();
    const closed = once(client, "close");
    webSocketStream(server).destroy();
    await closed;
  });
});

describe("a close reason", () => {
  test("fits into a close frame, whatever the text", () => {
    expect(closeReason("short")).toBe("short");
    expect(Buffer.byteLength(closeReason("é".repeat(200)))).toBeLessThanOrEqual(123);
  });
});
