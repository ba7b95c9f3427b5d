// What the fuzzers of this folder and of the long tests do: throw corrupted frames at both ends of streams over and
// over.

import type { Duplex } from "node:stream";
import { expect } from "vitest";
import { decodeFrame, FRAME, readReset } from "../../../../protocol/resume/frame.ts";
import {
  decodeHello,
  encodeHello,
  encodeWelcome,
  newStreamKey,
} from "../../../../protocol/resume/handshake.ts";
import { initiate } from "../../../../protocol/resume/initiator.ts";
import { WINDOW_MAX } from "../../../../protocol/resume/limits.ts";
import { ByteBudget } from "../../../../protocol/resume/outgoing.ts";
import { Responder } from "../../../../protocol/resume/responder.ts";
import { MemorySocket } from "./memory-socket.ts";
import { nextFrame, type Random } from "./mutated-frames.ts";

/** At most this many frames reach one stream, whether it breaks or not. */
const FRAMES_A_STREAM = 200;

export interface Barrage {
  readonly frames: number;
  readonly streams: number;
  /** How often each RESET code was the answer. */
  readonly codes: ReadonlyMap<number, number>;
  /** Kept by all streams together at the worst moment, in bytes. */
  readonly largest: number;
}

export async function barrage(
  end: "responder" | "initiator",
  frames: number,
  random: Random,
): Promise<Barrage> {
  const budget = new ByteBudget(1 << 30);
  const codes = new Map<number, number>();
  let [sent, streams, largest] = [0, 0, 0];
  const responder = new Responder({ budget });
  while (sent < frames) {
    streams++;
    const [peer, own] = MemorySocket.pair();
    const answers: Buffer[] = [];
    peer.on("message", (data: Buffer) => answers.push(data));
    peer.resume();
    const stream =
      end === "responder" ? await dialled(responder, peer, own) : await dialling(budget, peer, own);
    stream.on("error", () => undefined);
    // Half of the readers do not read.
    if (random() < 0.5) stream.resume();
    stream.write("from the end that is attacked");
    let offset = 0;
    for (let i = 0; i < FRAMES_A_STREAM && sent < frames && peer.readyState === 1; i++, sent++) {
      const { frame, bytes } = nextFrame(random, offset, 0.97);
      offset += bytes;
      peer.send(frame, { binary: random() > 0.001 });
      await undefined;
      largest = Math.max(largest, budget.used);
    }
    await settled();
    if (peer.closedWith === undefined) {
      stream.destroy(new Error("enough"));
    } else {
      const last = answers.map((answer) => decodeFrame(answer)).findLast(({ type }) => type === FRAME.reset);
      // A corrupted frame may be a RESET itself, or an end that needs no answer from us.
      if (last !== undefined) {
        const { code } = readReset(last);
        codes.set(code, (codes.get(code) ?? 0) + 1);
      }
    }
    await settled();
    expect(stream.destroyed || stream.readableEnded || peer.readyState !== 1).toBe(true);
  }
  responder.close();
  await settled();
  expect(responder.size).toBe(0);
  expect(budget.used).toBe(0);
  return { frames: sent, streams, codes, largest };
}

/** The end that is attacked has been dialled. */
async function dialled(responder: Responder, peer: MemorySocket, own: MemorySocket): Promise<Duplex> {
  const opened = new Promise<Duplex>((resolve) => responder.accept(own, "somebody", resolve));
  peer.send(encodeHello({ received: 0, window: WINDOW_MAX }, undefined).frame, { binary: true });
  return await opened;
}

/** The end that is attacked has dialled, and cannot again. */
async function dialling(budget: ByteBudget, peer: MemorySocket, own: MemorySocket): Promise<Duplex> {
  const { stream } = initiate(own, {
    window: WINDOW_MAX,
    budget,
    dial: () => Promise.reject(new Error("no more")),
    isFinal: () => true,
    onState: () => undefined,
  });
  const hello = await new Promise<Buffer>((resolve) => peer.once("message", (data: Buffer) => resolve(data)));
  const welcome = {
    key: newStreamKey(),
    epoch: 1,
    received: 0,
    window: WINDOW_MAX,
    graceMs: 60_000,
    instance: Buffer.alloc(8, 1),
  };
  peer.send(encodeWelcome(welcome, decodeHello(decodeFrame(hello))), { binary: true });
  await settled();
  return stream;
}

async function settled(): Promise<void> {
  for (let i = 0; i < 4; i++) await new Promise((resolve) => setImmediate(resolve));
}
