// Messages that no ssh sends: every message from number 80 on is passed on, known or not.

import { generateKeyPairSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { signUserCertificate } from "../../../protocol/ssh/certificate.ts";
import { MSG } from "../../../protocol/ssh/message-numbers.ts";
import { originate } from "../../../protocol/ssh/ssh2/client.ts";
import type { PacketTransport } from "../../../protocol/ssh/ssh2/transport.ts";
import { message, WireReader } from "../../../protocol/ssh/wire.ts";
import { settled, until } from "../../support/until.ts";
import { buildPeers, NO_PEERS, type Peers, startPeerServer } from "../ssh-peers/peers.ts";
import { type Chain, type Setup, startChain } from "./harness.ts";

interface Client {
  readonly transport: PacketTransport;
  readonly received: Buffer[];
  readonly unimplemented: number[];
  readonly chain: Chain;
}

let chain: Chain | undefined;
afterEach(async () => {
  await chain?.stop();
  chain = undefined;
});

/** A client that sees packets. The gateway of these tests admits everyone. */
async function open(setup: Setup = {}): Promise<Client> {
  chain = await startChain(setup);
  const received: Buffer[] = [];
  const unimplemented: number[] = [];
  const pair = generateKeyPairSync("ed25519");
  const certificate = signUserCertificate({
    key: pair.publicKey,
    authority: pair.privateKey,
    keyId: "",
    principals: ["ws"],
    validAfter: new Date(0),
    validBefore: new Date(2 ** 33 * 1000),
    extensions: new Map(),
  });
  const { transport } = await originate(connect(chain.port, "127.0.0.1"), {
    userName: "ws",
    certificate,
    privateKey: pair.privateKey,
    hostKeys: [chain.gatewayKey],
    signal: new AbortController().signal,
    identification: "test",
    receiver: {
      receive: (payload) => void received.push(payload),
      drain: () => {},
      unimplemented: (sequence) => void unimplemented.push(sequence),
    },
  });
  return { transport, received, unimplemented, chain };
}

const numbers = ({ received }: Client) => received.map((payload) => payload[0]);

describe("what a client sends", () => {
  test("gets the host's answer to a channel type that does not exist", async () => {
    const client = await open();
    client.transport.send(message(MSG.channelOpen, "new@example.com", 7, 1000, 1000));
    await until(() => client.received.length > 0);
    const answer = new WireReader(client.received[0] ?? Buffer.alloc(0), 1);
    expect(numbers(client)).toEqual([MSG.channelOpenFailure]);
    expect([answer.uint32(), answer.uint32()]).toEqual([7, 3]);
  });

  test("gets UNIMPLEMENTED with its own number for a message that the host does not know", async () => {
    const client = await open();
    client.transport.send(message(MSG.globalRequest, "one@example.com", false));
    client.transport.send(message(MSG.globalRequest, "two@example.com", false));
    const number = client.transport.nextSent;
    client.transport.send(message(150, "what is this?"));
    client.transport.send(message(MSG.globalRequest, "three@example.com", true));
    await until(() => client.received.length > 0);
    expect(client.unimplemented).toEqual([number]);
    expect(numbers(client)).toEqual([MSG.requestFailure]);
  });

  test("gets pings answered by the host", async () => {
    const client = await open();
    client.transport.send(message(MSG.ping, "1"));
    await until(() => client.received.length > 0);
    expect(client.received[0]).toEqual(message(MSG.pong, "1"));
  });

  test("waits while the host does not read, and the gateway's memory does not grow", async () => {
    const client = await open();
    client.transport.send(message(MSG.globalRequest, "first@example.com", true));
    await until(() => client.received.length === 1);
    const { hosts, links, clients } = client.chain;
    hosts[0]?.pause();
    const chunk = message(MSG.globalRequest, "x@example.com", false, Buffer.alloc(30_000));
    for (let sent = 0; sent < 1_000; sent++) client.transport.send(chunk);
    client.transport.send(message(MSG.globalRequest, "last@example.com", true));
    await until(() => clients[0]?.isPaused() === true && (clients[0]?.bytesRead ?? 0) > 100_000);
    await settled(() => clients[0]?.bytesRead);
    expect(clients[0]?.bytesRead).toBeLessThan(20_000_000);
    expect(links[0]?.writableLength).toBeLessThan(500_000);
    hosts[0]?.resume();
    await until(() => client.received.length === 2);
    expect(clients[0]?.bytesRead).toBeGreaterThan(30_000_000);
  });

  test("waits for a host that connects slowly, even if it is more than the gateway queues", async () => {
    let ready = () => {};
    const linkReady = new Promise<void>((resolve) => {
      ready = resolve;
    });
    const client = await open({ linkReady });
    const chunk = message(MSG.globalRequest, "x@example.com", false, Buffer.alloc(30_000));
    for (let sent = 0; sent < 300; sent++) client.transport.send(chunk);
    client.transport.send(message(MSG.globalRequest, "last@example.com", true));
    await until(() => client.chain.clients[0]?.isPaused() === true);
    ready();
    await until(() => client.received.length === 1);
    expect(client.chain.clients[0]?.bytesRead).toBeGreaterThan(9_000_000);
  });

  test("is passed on in order, including what comes before the host is connected", async () => {
    const client = await open();
    for (let number = 0; number < 200; number++)
      client.transport.send(message(MSG.channelOpen, "x", number, 1000, 1000));
    await until(() => client.received.length === 200);
    expect(client.received.map((payload) => payload.readUInt32BE(1))).toEqual(
      Array.from({ length: 200 }, (_, number) => number),
    );
  });
});

describe.skipIf(NO_PEERS !== undefined)(
  `behind an SSH server that is not ours (${NO_PEERS ?? "Go's"})`,
  () => {
    let peers: Peers;
    let stop = () => {};
    beforeEach(() => {
      peers = buildPeers();
    }, 120_000);
    afterEach(() => {
      stop();
      peers.remove();
    });

    test("signs in with a certificate that names the person, and passes data and status", async () => {
      // Its keys are in the directory of a chain whose own host is not used.
      const keys = await startChain();
      const server = await startPeerServer(peers.server, [
        "-host-key",
        `${keys.directory}/host_key`,
        "-authority",
        `${keys.directory}/gateway_key.pub`,
        "-rekey",
        "200000",
      ]);
      stop = server.stop;
      chain = await startChain({
        hostPort: server.port,
        hostKeys: [keys.hostKey],
        relay: { signingKey: readFileSync(`${keys.directory}/gateway_key`, "utf8") },
      });
      const input = "x".repeat(2_000_000);
      const { code, stdout } = await chain.ssh(["-o", "RekeyLimit=1M", "gw", "anything"], input);
      expect(code).toBe(7);
      expect(stdout.toString() === input).toBe(true);
      const signedIn = server.events.find(({ event }) => event === "signed-in");
      expect(signedIn).toMatchObject({ user: "ws", kex: "mlkem768x25519-sha256" });
      const { extensions } = Object(signedIn);
      const request = Buffer.from(String(extensions["upterm-auth-request"]), "utf8");
      expect(request.toString()).toContain(`${chain.personKey}\n`);
      expect(request.toString()).toContain("192.0.2.7");
      expect(request.toString()).toContain("SSH-2.0-OpenSSH");
      await keys.stop();
    });
  },
);
