import { once } from "node:events";
import { expect, onTestFinished, test, vi } from "vitest";
import type { WebSocket } from "ws";
import { FrameWriter } from "../../../../../protocol/resume/driver/frame-writer.ts";
import { encodeFrame, FRAME } from "../../../../../protocol/resume/frame.ts";
import { WRITE_BYTES } from "../../../../../protocol/resume/limits.ts";
import { ByteBudget, Outgoing } from "../../../../../protocol/resume/outgoing.ts";
import { partsOf } from "../../../../../protocol/web-socket/web-socket-private.ts";
import { webSocketPairs } from "../../../gateway/link/web-socket-pair.ts";

interface Ends {
  readonly from: WebSocket;
  readonly to: WebSocket;
}

/** Either end of a WebSocket writes; a client masks with zeros or not. */
async function ends(writer: "client" | "server", zeros: boolean): Promise<Ends> {
  const pairs = await webSocketPairs();
  onTestFinished(() => pairs.close());
  const { client, server } = await pairs.make({ zero: zeros });
  return writer === "client" ? { from: client, to: server } : { from: server, to: client };
}

function framesOf(...sizes: number[]): Buffer[] {
  const out = new Outgoing(new ByteBudget(1 << 30));
  out.setPeerWindow(1 << 30);
  for (const size of sizes) out.write([Buffer.alloc(size, size % 251)], 0);
  const frames: Buffer[] = [];
  for (let frame = out.take(7, 0); frame !== undefined; frame = out.take(7, 0)) frames.push(frame);
  return frames;
}

async function received(socket: WebSocket, count: number): Promise<Buffer[]> {
  const messages: Buffer[] = [];
  socket.on("message", (data) => {
    if (Buffer.isBuffer(data)) messages.push(data);
  });
  while (messages.length < count) await once(socket, "message");
  socket.removeAllListeners("message");
  return messages;
}

test.for([
  ["client", true],
  ["client", false],
  ["server", true],
] as const)("each frame arrives as one message (%s, mask all zeros: %s)", async ([writer, zeros]) => {
  const { from, to } = await ends(writer, zeros);
  const frames = [
    ...framesOf(1, 110, 111, 112, 125, WRITE_BYTES, 16_362, 20_000),
    encodeFrame(FRAME.ack, 9, 0),
  ];
  const own = Buffer.from("the WebSocket's own");
  const expected = [...frames.map((frame) => Buffer.from(frame)), own];
  const arrived = received(to, frames.length + 1);
  new FrameWriter(from).write(frames);
  from.send(own);
  const messages = await arrived;
  expect(messages.map(({ length }) => length)).toEqual(expected.map(({ length }) => length));
  expect(Buffer.concat(messages).equals(Buffer.concat(expected))).toBe(true);
});

test("frames that lie next to each other leave in one write", async () => {
  const { from, to } = await ends("client", true);
  const parts = partsOf(from);
  if (parts === undefined) throw new Error("ws is built otherwise");
  const write = vi.spyOn(parts.socket, "write");
  const frames = framesOf(WRITE_BYTES);
  const arrived = received(to, frames.length);
  new FrameWriter(from).write(frames);
  expect(write).toHaveBeenCalledTimes(1);
  // Four TLS records (RFC 8446 §5.1), each a frame.
  expect(write.mock.calls[0]?.[0]).toHaveLength(4 * 16_384);
  expect(await arrived).toHaveLength(4);
});
