import { once } from "node:events";
import { Duplex, PassThrough, Readable } from "node:stream";
import { setImmediate } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { spliceStream } from "../../../../gateway/splice/splice-stream.ts";
import { CLOSE } from "../../../../protocol/errors.ts";
import { watched } from "../link/watched.ts";
import { webSocketPairs } from "../link/web-socket-pair.ts";

let pairs: Awaited<ReturnType<typeof webSocketPairs>>;
beforeAll(async () => {
  pairs = await webSocketPairs();
});
afterAll(() => pairs.close());

test("bytes go both ways and are counted; the client's end closes the stream", async () => {
  const { client, server } = await pairs.make();
  const { near, far } = streams();
  let [fromA, fromB] = [0, 0];
  const joined = watched(
    (watcher) => spliceStream(server, near, watcher),
    (a, b) => {
      fromA += a;
      fromB += b;
    },
  );
  client.send(Buffer.from("hello"));
  expect(String((await once(far, "data"))[0])).toBe("hello");
  far.write("hi");
  expect(String((await once(client, "message"))[0])).toBe("hi");
  client.close();
  const end = await joined.ended;
  expect(end).toMatchObject({ bytesFromA: 5, bytesFromB: 2 });
  expect([fromA, fromB]).toEqual([5, 2]);
  expect(near.destroyed).toBe(true);
});

test("what the host wrote before its end arrives, and then the client's WebSocket is closed", async () => {
  const { client, server } = await pairs.make();
  const { near, far } = streams();
  const joined = watched((watcher) => spliceStream(server, near, watcher));
  let received = 0;
  client.on("message", (data: Buffer) => {
    received += data.length;
  });
  const code = once(client, "close");
  Readable.from(Array.from({ length: 100 }, () => Buffer.alloc(30_000))).pipe(far);
  expect((await code)[0]).toBe(CLOSE.normal);
  expect(received).toBe(3_000_000);
  await joined.ended;
});

test("closing tells the client why and ends the stream", async () => {
  const { client, server } = await pairs.make();
  const { near } = streams();
  const joined = watched((watcher) => spliceStream(server, near, watcher));
  const closed = once(client, "close");
  joined.close(CLOSE.refused, "the token was revoked");
  const [code, reason] = await closed;
  expect([code, String(reason)]).toEqual([CLOSE.refused, "the token was revoked"]);
  await joined.ended;
});

test("a client that does not read stops the host's stream from being read", async () => {
  const { client, server } = await pairs.make();
  const { near, far } = streams();
  const joined = watched((watcher) => spliceStream(server, near, watcher));
  client.pause();
  const most = 64 * 1024 * 1024;
  const chunk = Buffer.alloc(64 * 1024);
  let written = 0;
  for (; written < most && !near.isPaused(); written += chunk.length) {
    far.write(chunk);
    await setImmediate();
  }
  expect(near.isPaused()).toBe(true);
  expect(written).toBeLessThan(most);
  joined.close(CLOSE.normal, "");
  client.resume();
  await joined.ended;
});

test("a side that was closed before they were joined ends the other one", async () => {
  const cut = await pairs.make();
  cut.client.terminate();
  await once(cut.server, "close");
  const [alive, gone] = [streams(), streams()];
  const first = watched((watcher) => spliceStream(cut.server, alive.near, watcher));
  await first.ended;
  expect(alive.near.destroyed).toBe(true);

  const { client, server } = await pairs.make();
  const closed = new Promise((resolve) => gone.near.once("close", resolve));
  gone.near.destroy();
  await closed;
  const told = once(client, "close");
  const second = watched((watcher) => spliceStream(server, gone.near, watcher));
  expect((await told)[0]).toBe(CLOSE.normal);
  await second.ended;
});

/** Two ends of a byte stream in this process. */
function streams(): { near: Duplex; far: Duplex } {
  const there = new PassThrough();
  const back = new PassThrough();
  const near = Duplex.from({ readable: back, writable: there });
  const far = Duplex.from({ readable: there, writable: back });
  for (const side of [near, far]) side.on("error", () => undefined);
  return { near, far };
}
