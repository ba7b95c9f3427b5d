import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { PacketRelay } from "../../../../../gateway/ssh/re-origination/packet-relay.ts";
import { MSG } from "../../../../../protocol/ssh/message-numbers.ts";
import type { PacketReceiver, PacketTransport } from "../../../../../protocol/ssh/ssh2/transport.ts";
import { message } from "../../../../../protocol/ssh/wire.ts";

/** A transport whose state the test sets, and which records the calls. */
class Fake implements PacketTransport {
  writable = true;
  exchangingKeys = false;
  bytesSinceKeyExchange = 0;
  waitingBytes = 0;
  received = 0;
  nextSent = 0;
  paused = false;
  destroyed = false;
  goodbye: [number, string] | undefined;
  readonly sent: Buffer[] = [];

  send(...parts: readonly Uint8Array[]): void {
    this.sent.push(Buffer.concat(parts));
    this.nextSent++;
  }
  pause(): void {
    this.paused = true;
  }
  resume(): void {
    this.paused = false;
  }
  disconnect(reason: number, description: string): void {
    this.goodbye = [reason, description];
  }
  destroy(): void {
    this.destroyed = true;
  }
  rekey(): void {}
}

interface Relayed {
  readonly client: Fake;
  readonly host: Fake;
  readonly relay: PacketRelay;
  readonly fromClient: PacketReceiver;
  readonly fromHost: PacketReceiver;
}

function relayed(answersPing = true): Relayed {
  const client = new Fake();
  const host = new Fake();
  const relay = new PacketRelay({ transport: client, answersPing: true }, { transport: host, answersPing });
  return { client, host, relay, fromClient: relay.client, fromHost: relay.host };
}

const data = message(MSG.channelData, 0, "data");

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe("relaying packets", () => {
  test("passes on every message from 80 on unchanged, in both directions", () => {
    const { client, host, fromClient, fromHost } = relayed();
    const all = Array.from({ length: 176 }, (_, index) => Buffer.from([80 + index, 1, 2, 3]));
    for (const payload of all) fromClient.receive(payload);
    for (const payload of all) fromHost.receive(payload);
    expect(host.sent).toEqual(all);
    expect(client.sent).toEqual(all);
  });

  test("answers pings for a host that would not answer them", () => {
    const { client, host, fromClient } = relayed(false);
    fromClient.receive(message(MSG.ping, "abc"));
    expect(client.sent).toEqual([message(MSG.pong, "abc")]);
    expect(host.sent).toEqual([]);
  });

  test("stops reading one side while the other is full, and continues once it is not", () => {
    const { client, host, fromClient, fromHost } = relayed();
    fromHost.receive(data);
    expect(host.paused).toBe(false);
    client.writable = false;
    fromHost.receive(data);
    expect(host.paused).toBe(true);
    expect(client.sent).toHaveLength(2);
    client.writable = true;
    fromClient.drain();
    expect(host.paused).toBe(false);
  });

  test("reads a side that exchanges keys even if the other is full, since both could wait for each other", () => {
    const { client, host, fromHost, fromClient } = relayed();
    client.writable = false;
    fromHost.receive(data);
    expect(host.paused).toBe(true);
    host.exchangingKeys = true;
    fromHost.exchangingKeys?.(true);
    expect(host.paused).toBe(false);
    host.exchangingKeys = false;
    fromHost.exchangingKeys?.(false);
    expect(host.paused).toBe(true);
    client.writable = true;
    fromClient.drain();
    expect(host.paused).toBe(false);
  });

  test("holds no more than its limit for a side whose peer abuses this", () => {
    const { client, host, fromHost } = relayed();
    client.writable = false;
    host.exchangingKeys = true;
    client.waitingBytes = 8 * 1024 * 1024 - 1;
    fromHost.receive(data);
    expect(host.paused).toBe(false);
    client.waitingBytes++;
    fromHost.receive(data);
    expect(host.paused).toBe(true);
  });

  test("ends both sides if one does not finish a key exchange within a minute", async () => {
    const { client, host, relay, fromHost } = relayed();
    fromHost.exchangingKeys?.(true);
    vi.advanceTimersByTime(59_000);
    expect(client.goodbye).toBeUndefined();
    vi.advanceTimersByTime(2_000);
    expect(client.goodbye).toEqual([2, "the host did not finish a key exchange"]);
    relay.client.ended?.();
    host.exchangingKeys = true;
    relay.host.ended?.();
    expect((await relay.ended).reason).toBe("the host did not finish a key exchange");
  });
});

describe("UNIMPLEMENTED", () => {
  test("goes back with the number that the message had on the other side", () => {
    const { client, host, fromClient, fromHost } = relayed();
    host.nextSent = 1000;
    client.received = 7;
    fromClient.receive(message(MSG.globalRequest, "x", false));
    client.received = 8;
    fromClient.receive(Buffer.from([150]));
    client.received = 9;
    fromClient.receive(Buffer.from([151]));
    fromHost.unimplemented?.(1002);
    fromHost.unimplemented?.(1001);
    expect(client.sent).toEqual([Buffer.from([3, 0, 0, 0, 9]), Buffer.from([3, 0, 0, 0, 8])]);
  });

  test("is dropped if it refers to no message of the other side", () => {
    const { client, fromHost } = relayed();
    fromHost.unimplemented?.(5);
    expect(client.sent).toEqual([]);
  });
});

describe("the end of a relay", () => {
  test("passes on the peer's reason, after what was sent", async () => {
    const { client, host, relay, fromClient, fromHost } = relayed();
    fromHost.receive(data);
    fromHost.disconnected?.(2, "no more");
    fromHost.ended?.();
    expect(client.goodbye).toEqual([2, "no more"]);
    expect(client.destroyed).toBe(false);
    fromClient.ended?.();
    expect(client.destroyed && host.destroyed).toBe(true);
    expect(await relay.ended).toEqual({
      bytesIn: 0,
      bytesOut: data.length,
      reason: "the host disconnected: no more",
    });
  });

  test("waits for the end of a key exchange, since output may wait for it", () => {
    const { client, fromHost, fromClient } = relayed();
    client.exchangingKeys = true;
    client.writable = false;
    fromHost.receive(data);
    fromHost.ended?.();
    expect(client.goodbye).toBeUndefined();
    client.exchangingKeys = false;
    fromClient.exchangingKeys?.(false);
    expect(client.goodbye).toEqual([11, "the host left"]);
  });

  test("keeps a slow client as long as something leaves, and cuts off one that takes nothing", () => {
    const { client, fromHost } = relayed();
    client.waitingBytes = 1_000_000;
    fromHost.ended?.();
    for (let left = 0; left < 10; left++) {
      client.waitingBytes -= 1;
      vi.advanceTimersByTime(25_000);
    }
    expect(client.destroyed).toBe(false);
    vi.advanceTimersByTime(31_000);
    expect(client.destroyed).toBe(true);
  });

  test("resumes reading a paused side, so that its end is seen", () => {
    const { client, host, relay, fromHost } = relayed();
    client.writable = false;
    fromHost.receive(data);
    expect(host.paused).toBe(true);
    relay.close("over");
    expect(host.paused).toBe(false);
    fromHost.receive(data);
    expect(client.sent).toHaveLength(1);
  });
});
