// How many channels a connection has, and what they cost.

import { describe, expect, test } from "vitest";
import { MAX_CHANNELS as MAX_HOST_CHANNELS } from "../../../../agent/host/ssh/client-connection.ts";
import { MAX_PACKET, WINDOW, windowFor } from "../../../../protocol/ssh/channel.ts";
import { Connection, MAX_CHANNELS } from "../../../../protocol/ssh/connection.ts";
import { MSG } from "../../../../protocol/ssh/message-numbers.ts";
import type { PacketTransport } from "../../../../protocol/ssh/ssh2/transport.ts";
import { message, WireReader } from "../../../../protocol/ssh/wire.ts";

const transport = (send: (message: Buffer) => void): PacketTransport => ({
  writable: true,
  exchangingKeys: false,
  bytesSinceKeyExchange: 0,
  waitingBytes: 0,
  received: 0,
  nextSent: 0,
  send: (...parts) => send(Buffer.concat(parts)),
  pause: () => {},
  resume: () => {},
  disconnect: () => {},
  destroy: () => {},
  rekey: () => {},
});

function open(count: number, maxChannels?: number) {
  const windows: number[] = [];
  let refused = 0;
  const connection = new Connection({ warn: () => {} }, maxChannels);
  const take = (answer: Buffer) => {
    if (answer[0] === MSG.channelOpenFailure) refused++;
    if (answer[0] !== MSG.channelOpenConfirmation) return;
    const reader = new WireReader(answer, 9);
    windows.push(reader.uint32());
  };
  connection.start(transport(take), {
    openChannel: (request) => void request.accept(),
    globalRequest: () => false,
    refuseUnknown: () => Buffer.alloc(0),
  });
  for (let id = 0; id < count; id++) connection.receive(message(MSG.channelOpen, "x", id, 1 << 20, 1 << 15));
  return { windows, refused };
}

describe("a connection", () => {
  test("has as many channels as its owner says, and 256 where it says nothing", () => {
    expect(open(300)).toMatchObject({ refused: 300 - MAX_CHANNELS });
    expect(open(5_000, MAX_HOST_CHANNELS)).toMatchObject({ refused: 5_000 - MAX_HOST_CHANNELS });
  });

  test("lets its peer send no more ahead on a host's many channels than it ever did on 256", () => {
    const { windows } = open(5_000, MAX_HOST_CHANNELS);
    expect(windows.reduce((sum, window) => sum + window, 0)).toBeLessThan(256 * WINDOW);
    // The first have all that makes a single one fast, and the last what a packet needs and more.
    expect(windows[0]).toBe(WINDOW);
    expect(Math.min(...windows)).toBeGreaterThanOrEqual(2 * MAX_PACKET);
    expect(windows[1_000]).toBe(windowFor(1_001));
  });
});
