import { expect, test } from "vitest";
import { Connection } from "../../../../protocol/ssh/connection.ts";
import { MSG, OPEN_FAILURE } from "../../../../protocol/ssh/message-numbers.ts";
import { disconnectMessage } from "../../../../protocol/ssh/ssh2/private.ts";
import type { PacketTransport } from "../../../../protocol/ssh/ssh2/transport.ts";
import { message, WireReader } from "../../../../protocol/ssh/wire.ts";

// OpenSSH cleans what it shows by vis(3) with VIS_SAFE, which lets a bell, a backspace and a carriage return through.
const TEXT = "no\u0007\b\r\n\u001b[2J\u202edrawkcab";
const SHOWN = "no�����[2J�drawkcab";

test("why a channel is refused is said without characters that do something", () => {
  const sent: Buffer[] = [];
  const transport = {
    writable: true,
    waitingBytes: 0,
    send: (...parts: readonly Uint8Array[]) => sent.push(Buffer.concat(parts)),
  };
  const connection = new Connection({ warn: () => {} });
  connection.start(transport as unknown as PacketTransport, {
    openChannel: (request) => request.refuse(OPEN_FAILURE.connectFailed, TEXT),
    globalRequest: () => false,
    refuseUnknown: () => Buffer.alloc(0),
  });
  connection.receive(message(MSG.channelOpen, "direct-tcpip", 7, 1_024, 1_024));
  const answer = new WireReader(sent[0] ?? Buffer.alloc(0), 1);
  expect(sent[0]?.[0]).toBe(MSG.channelOpenFailure);
  expect([answer.uint32(), answer.uint32(), answer.text(500)]).toEqual([
    7,
    OPEN_FAILURE.connectFailed,
    SHOWN,
  ]);
});

test("why a connection ends is said in the same way, and not at any length", () => {
  const said = (text: string) => {
    const reader = new WireReader(Buffer.from(disconnectMessage(11, text)), 1);
    reader.uint32();
    return reader.text(5_000);
  };
  expect(said(TEXT)).toBe(SHOWN);
  expect(said("x".repeat(5_000))).toHaveLength(500);
});
