// Carrying packets over ssh2, seen from above: what a relay needs to know beyond messages. (Sign-in and the messages
// themselves are in test/unit/agent/ssh2-private.test.ts.)

import { generateKeyPairSync } from "node:crypto";
import type { Duplex } from "node:stream";
import ssh2 from "ssh2";
import { afterEach, describe, expect, test } from "vitest";
import { opensshEd25519 } from "../../../../../protocol/ssh/private-key.ts";
import {
  isAlive,
  isExchangingKeys,
  privateProtocol,
  sendMessage,
} from "../../../../../protocol/ssh/ssh2/private.ts";
import {
  injectStream,
  streamOf,
  unimplementedMessage,
} from "../../../../../protocol/ssh/ssh2/server-connection.ts";
import {
  MAX_UNREAD_BYTES,
  type PacketTransport,
  takeOverConnection,
} from "../../../../../protocol/ssh/ssh2/transport.ts";
import { message } from "../../../../../protocol/ssh/wire.ts";
import { streamPair } from "./stream-pair.ts";

const hostKey = opensshEd25519(generateKeyPairSync("ed25519").privateKey);
const streams: Duplex[] = [];
afterEach(() => {
  for (const stream of streams.splice(0)) stream.destroy();
});
const soon = async (check: () => boolean) => {
  for (let round = 0; round < 500 && !check(); round++)
    await new Promise((resolve) => setTimeout(resolve, 5));
  expect(check()).toBe(true);
};

/** ssh2's client at our server; `said` is what the receiver was told. */
async function meet(
  beforeSignIn: (transport: PacketTransport) => void = () => {},
  received: () => void = () => {},
) {
  const server = new ssh2.Server({ hostKeys: [hostKey] });
  const [theirs, ours] = streamPair();
  streams.push(theirs, ours);
  const said: unknown[][] = [];
  let drains = 0;
  const transport = new Promise<PacketTransport>((resolve) => {
    server.on("connection", (connection) => {
      const taken = takeOverConnection(connection, streamOf(connection), {
        receive: (payload) => {
          received();
          said.push(["message", payload[0], taken.received]);
        },
        drain: () => void drains++,
        exchangingKeys: (begun) => void said.push(["key exchange", begun]),
        unimplemented: (sequence) => void said.push(["unimplemented", sequence]),
        disconnected: (reason, text) => void said.push(["disconnected", reason, text]),
        ended: () => void said.push(["ended"]),
      });
      connection.on("error", () => {});
      connection.on("authentication", (context) => {
        beforeSignIn(taken);
        context.accept();
      });
      connection.once("ready", () => resolve(taken));
    });
  });
  injectStream(server, ours);
  const client = new ssh2.Client();
  client.on("error", () => {});
  client.connect({ sock: theirs, username: "x" });
  const carried = await transport;
  return { client, theirs, ours, said, transport: carried, drained: () => drains };
}

describe("a packet transport", () => {
  test("stops and goes on reading", async () => {
    const { client, transport, said } = await meet();
    transport.pause();
    client.exec("x", () => {});
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(said).toEqual([]);
    transport.resume();
    await soon(() => said.length === 1);
  });

  test("numbers messages as the peer does", async () => {
    const { client, transport, said } = await meet();
    client.exec("x", () => {});
    client.exec("y", () => {});
    await soon(() => said.length === 2);
    const [first, second] = said.map(([, , sequence]) => Number(sequence));
    expect(second).toBe(Number(first) + 1);
    const next = transport.nextSent;
    transport.send(message(80, "x", false));
    expect(transport.nextSent).toBe(next + 1);
    expect(unimplementedMessage(0x01020304)).toEqual(Buffer.from([3, 1, 2, 3, 4]));
  });

  test("reports key exchanges, including those that the peer begins", async () => {
    const { client, transport, said } = await meet();
    transport.rekey();
    expect(transport.exchangingKeys).toBe(true);
    await soon(() => said.length === 2);
    const protocol: unknown = Reflect.get(client, "_protocol");
    if (typeof protocol === "object" && protocol !== null && "rekey" in protocol) {
      if (typeof protocol.rekey === "function") protocol.rekey();
    }
    await soon(() => said.length === 4);
    const both = [
      ["key exchange", true],
      ["key exchange", false],
    ];
    expect(said).toEqual([...both, ...both]);
    expect(transport.exchangingKeys).toBe(false);
  });

  test("ends with a reason where the peer asks for new keys again and again", async () => {
    const { client, said } = await meet();
    const reason = new Promise<string>((resolve) => client.once("error", (error) => resolve(error.message)));
    const protocol = privateProtocol(client);
    let asked = 0;
    const asking = setInterval(() => {
      if (!isAlive(protocol) || isExchangingKeys(protocol)) return;
      asked++;
      protocol.rekey();
    }, 1);
    expect(await reason).toMatch(/RekeyLimit/);
    clearInterval(asking);
    await soon(() => said.at(-1)?.[0] === "ended");
    // As many as a client may need at once, and not many more.
    expect(asked).toBeGreaterThan(30);
    expect(asked).toBeLessThan(100);
  });

  test("exchanges no keys in the middle of a sign-in", async () => {
    const exchanging: boolean[] = [];
    const { said } = await meet((transport) => {
      transport.rekey();
      exchanging.push(transport.exchangingKeys);
    });
    expect(exchanging).toEqual([false]);
    expect(said).toEqual([]);
  });

  test("counts what waits for the end of a key exchange and for the stream", async () => {
    const { ours, transport } = await meet();
    await soon(() => transport.waitingBytes === 0);
    transport.rekey();
    transport.send(message(80, "x".repeat(1000), false));
    expect(transport.waitingBytes).toBeGreaterThan(1000);
    await soon(() => transport.waitingBytes === 0);
    ours.cork();
    transport.send(message(80, "x".repeat(1000), false));
    expect(transport.waitingBytes).toBeGreaterThan(1000);
    ours.uncork();
    await soon(() => transport.waitingBytes === 0);
  });

  test("cuts off a peer for which more than its bound waits to be read", async () => {
    const { ours, said, transport } = await meet();
    ours.cork();
    let sent = 0;
    for (; !ours.destroyed && sent < 2 * MAX_UNREAD_BYTES; sent += 30_000) {
      transport.send(message(193, Buffer.alloc(30_000)));
    }
    expect(sent).toBeGreaterThan(0.9 * MAX_UNREAD_BYTES);
    expect(sent).toBeLessThan(1.1 * MAX_UNREAD_BYTES);
    await soon(() => said.length === 1);
    expect(said).toEqual([["ended"]]);
  });

  test("counts small messages by what they cost: senders wait soon, and a peer that has them pile up is cut off", async () => {
    const { ours, transport, drained } = await meet();
    const ignore = message(2, "");
    await soon(() => transport.waitingBytes === 0);
    ours.cork();
    let sent = 0;
    for (; transport.writable; sent++) transport.send(ignore);
    expect(sent).toBeLessThan(1_000);
    expect(ours.writableNeedDrain).toBe(false);
    const before = drained();
    ours.uncork();
    await soon(() => drained() > before && transport.writable);
    ours.cork();
    for (sent = 0; !ours.destroyed && sent < 100_000; sent++) transport.send(ignore);
    expect(sent).toBeLessThan(20_000);
  });

  test("handles the packets of a flood in many turns of the event loop, and all of them", async () => {
    const COUNT = 5_000;
    /** By turn. */
    const handled: number[] = [0];
    const { client, theirs, said } = await meet(undefined, () => {
      handled[handled.length - 1] = (handled.at(-1) ?? 0) + 1;
      const until = performance.now() + 0.05;
      while (performance.now() < until);
    });
    const turn = (): void => {
      handled.push(0);
      if (said.length < COUNT) setImmediate(turn);
    };
    theirs.cork();
    const protocol = privateProtocol(client);
    for (let i = 0; i < COUNT; i++) sendMessage(protocol, [message(80, "x", false)], false);
    setImmediate(turn);
    theirs.uncork();
    await soon(() => said.length === COUNT);
    // Of 250 ms of work the peer has 1 ms a turn, and what it takes to end a piece.
    expect(Math.max(...handled)).toBeLessThan(500);
  });

  test("tells what the peer says at its end, and that it has ended, once", async () => {
    const { client, said } = await meet();
    client.end();
    await soon(() => said.some(([what]) => what === "ended"));
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(said).toEqual([["disconnected", 11, ""], ["ended"]]);
  });

  test("tells that it has ended when it is destroyed", async () => {
    const { transport, said } = await meet();
    transport.destroy();
    await soon(() => said.length === 1);
    expect(said).toEqual([["ended"]]);
  });
});
