import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Duplex } from "node:stream";
import { expect, test } from "vitest";
import { socketPath } from "../../../../../gateway/cluster/socket-path.ts";
import { dialWorker } from "../../../../../gateway/cluster/worker/dial-worker.ts";
import { newStreamToken } from "../../../../../protocol/values/token.ts";

/** RFC 6455 §1.3. */
const accepted = (key: string) =>
  createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");

test("what the other worker sends together with its answer reaches the stream", async () => {
  const directory = mkdtempSync(join(tmpdir(), "dial-worker-"));
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on("error", () => undefined);
    socket.once("data", (request: Buffer) => {
      const key = /sec-websocket-key: (\S+)/i.exec(request.toString())?.[1] ?? "";
      const answer =
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
        `Sec-WebSocket-Accept: ${accepted(key)}\r\nSec-WebSocket-Protocol: sallyport.v1.raw\r\n\r\n`;
      socket.write(Buffer.concat([Buffer.from(answer), Buffer.from([0x82, 5]), Buffer.from("hello")]));
    });
  });
  await new Promise<void>((resolve) => server.listen(socketPath(directory, 1), resolve));
  const received: Buffer[] = [];
  const stream = new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, done) {
      received.push(chunk);
      done();
    },
  });
  try {
    const opening = Promise.resolve({ kind: "duplex", stream } as const);
    await dialWorker(opening, 1, newStreamToken(), directory);
    await expect.poll(() => Buffer.concat(received).toString()).toBe("hello");
  } finally {
    stream.destroy();
    for (const socket of sockets) socket.destroy();
    server.close();
    rmSync(directory, { recursive: true });
  }
});
