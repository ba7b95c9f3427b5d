// What Sallyport changes in ssh2's key exchange, on connections between our server and our client, and peers that say what
// they should not.

import { generateKeyPairSync, type KeyObject } from "node:crypto";
import type { Duplex } from "node:stream";
import ssh2 from "ssh2";
import kexModule from "ssh2/lib/protocol/kex.js";
import { afterEach, describe, expect, test } from "vitest";
import { signUserCertificate } from "../../../../../protocol/ssh/certificate.ts";
import { opensshEd25519 } from "../../../../../protocol/ssh/private-key.ts";
import { HYBRID_KEY_EXCHANGE, SERVER_ALGORITHMS } from "../../../../../protocol/ssh/ssh2/algorithms.ts";
import {
  type OriginatedConnection,
  type OriginateOptions,
  originate,
} from "../../../../../protocol/ssh/ssh2/client.ts";
import { privateProtocol } from "../../../../../protocol/ssh/ssh2/private.ts";
import { injectStream, streamOf } from "../../../../../protocol/ssh/ssh2/server-connection.ts";
import { type PacketTransport, takeOverConnection } from "../../../../../protocol/ssh/ssh2/transport.ts";
import { encode, message, WireReader } from "../../../../../protocol/ssh/wire.ts";
import { streamPair } from "./stream-pair.ts";

const hostKey = generateKeyPairSync("ed25519");
const streams: Duplex[] = [];
afterEach(() => {
  for (const stream of streams.splice(0)) stream.destroy();
});

const soon = async (check: () => boolean) => {
  for (let round = 0; round < 1000 && !check(); round++)
    await new Promise((resolve) => setTimeout(resolve, 5));
  expect(check()).toBe(true);
};

interface Side {
  transport: PacketTransport | undefined;
  readonly received: Buffer[];
  readonly negotiated: string[];
  readonly errors: string[];
  signIns: number;
}

/** Our server on one end of a pair of streams; the other end is returned. */
function startServer(algorithms: ssh2.Algorithms = SERVER_ALGORITHMS): { side: Side; theirs: Duplex } {
  const server = new ssh2.Server({ hostKeys: [opensshEd25519(hostKey.privateKey)], algorithms });
  const [theirs, ours] = streamPair();
  streams.push(theirs, ours);
  const side: Side = { transport: undefined, received: [], negotiated: [], errors: [], signIns: 0 };
  server.on("connection", (connection) => {
    side.transport = takeOverConnection(connection, streamOf(connection), {
      receive: (payload) => void side.received.push(payload),
      drain: () => {},
    });
    connection.on("handshake", (negotiated) => void side.negotiated.push(negotiated.kex));
    connection.on("error", (error) => void side.errors.push(error.message));
    connection.on("authentication", (context) => {
      side.signIns++;
      context.accept();
    });
  });
  injectStream(server, ours);
  return { side, theirs };
}

const publicLine = (key: KeyObject) =>
  `ssh-ed25519 ${encode("ssh-ed25519", Buffer.from(key.export({ format: "jwk" }).x ?? "", "base64url")).toString("base64")}`;

function options(more: Partial<OriginateOptions> = {}): OriginateOptions {
  const person = generateKeyPairSync("ed25519");
  const certificate = signUserCertificate({
    key: person.publicKey,
    authority: hostKey.privateKey,
    keyId: "x",
    principals: ["x"],
    validAfter: new Date(0),
    validBefore: new Date(Date.now() + 60_000),
    extensions: new Map(),
  });
  return {
    userName: "x",
    certificate,
    privateKey: person.privateKey,
    hostKeys: [publicLine(hostKey.publicKey)],
    receiver: { receive: () => {}, drain: () => {} },
    signal: new AbortController().signal,
    identification: "test",
    ...more,
  };
}

describe("a key exchange between our server and our client", () => {
  test("is post-quantum, and so are the next ones, no matter which side starts them", async () => {
    const { side, theirs } = startServer();
    const received: Buffer[] = [];
    const { transport } = await originate(
      theirs,
      options({ receiver: { receive: (payload) => void received.push(payload), drain: () => {} } }),
    );
    transport.send(message(80, "one@example.com", false));
    await soon(() => side.received.length === 1);
    transport.rekey();
    transport.send(message(80, "two@example.com", false));
    await soon(() => side.received.length === 2 && side.negotiated.length === 2);
    side.transport?.rekey();
    side.transport?.send(message(80, "three@example.com", false));
    await soon(() => received.length === 1 && side.negotiated.length === 3);
    expect(side.negotiated).toEqual([HYBRID_KEY_EXCHANGE, HYBRID_KEY_EXCHANGE, HYBRID_KEY_EXCHANGE]);
    expect(side.errors).toEqual([]);
  });

  test("says when it begins and ends", async () => {
    const { theirs } = startServer();
    const said: boolean[] = [];
    const { transport } = await originate(
      theirs,
      options({
        receiver: { receive: () => {}, drain: () => {}, exchangingKeys: (begun) => void said.push(begun) },
      }),
    );
    transport.rekey();
    expect(said).toEqual([true]);
    await soon(() => said.length === 2);
    expect(said).toEqual([true, false]);
  });
});

/** A client of ssh2's own, with its KEXINIT and first exchange message changed on the way. */
function meddle(theirs: Duplex, change: (type: number, payload: Buffer) => Buffer): Duplex {
  const [inner, outer] = streamPair();
  streams.push(inner, outer);
  theirs.on("data", (data: Buffer) => void outer.write(data));
  let buffered = Buffer.alloc(0);
  let isVersion = true;
  outer.on("data", (data: Buffer) => {
    buffered = Buffer.concat([buffered, data]);
    for (;;) {
      const end = isVersion ? buffered.indexOf("\n") + 1 : packetLength(buffered);
      if (end === 0 || end > buffered.length) return;
      const packet = buffered.subarray(0, end);
      buffered = buffered.subarray(end);
      if (isVersion) theirs.write(packet);
      else {
        const payload = packet.subarray(5, packet.length - (packet[4] ?? 0));
        theirs.write(framed(change(payload[0] ?? 0, payload)));
      }
      isVersion = false;
    }
  });
  return inner;
}

const packetLength = (bytes: Buffer) => (bytes.length < 4 ? 0 : 4 + bytes.readUInt32BE(0));

/** A packet without encryption (RFC 4253 §6). */
function framed(payload: Buffer): Buffer {
  const padding = 16 - ((5 + payload.length) % 8);
  return Buffer.concat([
    encode(1 + payload.length + padding),
    Buffer.from([padding]),
    payload,
    Buffer.alloc(padding),
  ]);
}

/** The payload with its list of key exchange methods changed. */
function withKex(payload: Buffer, change: (names: string[]) => string[], follows = 0): Buffer {
  const reader = new WireReader(payload, 17);
  const names = reader.string().toString().split(",");
  const rest = Buffer.from(payload.subarray(reader.offset));
  rest.writeUInt8(follows, rest.length - 5);
  return Buffer.concat([payload.subarray(0, 17), encode(change(names).join(",")), rest]);
}

/** Connects ssh2's client, which has no post-quantum exchange; resolves with the reason of its end, or "ready". */
function connect(stream: Duplex, algorithms: ssh2.Algorithms = {}): Promise<string> {
  const client = new ssh2.Client();
  return new Promise((resolve) => {
    client.on("error", (error) => resolve(error.message));
    client.on("ready", () => resolve("ready"));
    client.connect({ sock: stream, username: "x", algorithms });
  });
}

describe("a key exchange with a peer that asks for mlkem768x25519-sha256", () => {
  test.each([0, 32, 1215, 1217])(
    "fails where its value has %i bytes, and nothing crashes",
    async (length) => {
      const { side, theirs } = startServer();
      const end = await connect(
        meddle(theirs, (type, payload) => {
          if (type === 20) return withKex(payload, (names) => [HYBRID_KEY_EXCHANGE, ...names]);
          return type === 30 ? message(30, Buffer.alloc(length)) : payload;
        }),
      );
      expect(end).not.toBe("ready");
      await soon(() => side.errors.length === 1);
      expect(side.errors[0]).toMatch(/mlkem768x25519.*instead of 1216/);
      expect(side.negotiated).toEqual([]);
    },
  );

  test("skips the packet of a wrong guess, and reads that of a right one", async () => {
    for (const guess of ["sntrup761x25519-sha512", HYBRID_KEY_EXCHANGE]) {
      const { side, theirs } = startServer();
      const end = connect(
        meddle(theirs, (type, payload) => {
          if (type === 20)
            return withKex(payload, (names) => [...new Set([guess, HYBRID_KEY_EXCHANGE, ...names])], 1);
          return type === 30 ? message(30, Buffer.alloc(7)) : payload;
        }),
      );
      if (guess === HYBRID_KEY_EXCHANGE) {
        await soon(() => side.errors.length === 1);
        expect(side.errors[0]).toMatch(/7 bytes instead of 1216/);
      } else {
        // The client's KEXINIT and the packet behind it. Skipped: the server still waits for the client's value.
        await soon(() => side.transport?.received === 1);
        expect(side.errors).toEqual([]);
        theirs.write(framed(message(30, Buffer.alloc(8))));
        await soon(() => side.errors.length === 1);
        expect(side.errors[0]).toMatch(/8 bytes instead of 1216/);
      }
      theirs.end();
      await end;
    }
  });

  test("does without where the peer prefers another", async () => {
    const { side, theirs } = startServer();
    expect(await connect(theirs)).toBe("ready");
    await soon(() => side.negotiated.length === 1);
    expect(side.negotiated).toEqual(["curve25519-sha256@libssh.org"]);
  });
});

describe("a peer without strict key exchange", () => {
  const lax = (payload: Buffer) =>
    withKex(payload, (names) => names.filter((name) => !name.includes("kex-strict")));
  const relaxed = (algorithms: ssh2.Algorithms) => {
    const { side, theirs } = startServer();
    const end = connect(
      meddle(theirs, (type, payload) => (type === 20 ? lax(payload) : payload)),
      algorithms,
    );
    return { side, end };
  };

  /** ssh2's client as it was before it knew of strict key exchange. */
  const old = (stream: Duplex, algorithms: ssh2.Algorithms): Promise<string> => {
    const client = new ssh2.Client();
    const end = new Promise<string>((resolve) => {
      client.on("error", (error) => resolve(error.message));
      client.on("ready", () => resolve("ready"));
    });
    client.connect({ sock: stream, username: "x", algorithms });
    const protocol = privateProtocol(client);
    const { kex, serverHostKey, cs, sc } = protocol._offer.lists;
    const direction = ({ cipher, mac, compress, lang }: typeof cs) => ({
      cipher: cipher.array,
      mac: mac.array,
      compress: compress.array,
      lang: lang.array,
    });
    Reflect.set(
      protocol,
      "_offer",
      new kexModule.KexInit({
        kex: kex.array.filter((name) => !name.includes("kex-strict")),
        serverHostKey: serverHostKey.array,
        cs: direction(cs),
        sc: direction(sc),
      }),
    );
    Reflect.set(protocol, "_strictMode", false);
    return end;
  };

  test.each<[string, ssh2.Algorithms]>([
    ["chacha20-poly1305@openssh.com", { cipher: ["chacha20-poly1305@openssh.com"] }],
    ["hmac-sha2-256-etm@openssh.com", { cipher: ["aes128-ctr"], hmac: ["hmac-sha2-256-etm@openssh.com"] }],
  ])(
    "gets the host key with %s, is refused once it asks to sign in, and told why",
    async (name, algorithms) => {
      const { side, theirs } = startServer();
      expect(await old(theirs, algorithms)).toContain(`${name} is not safe without strict key exchange`);
      expect(side.errors[0]).toContain("CVE-2023-48795");
      expect(side.negotiated).toHaveLength(1);
      expect(side.signIns).toBe(0);
    },
  );

  test("signs in with a cipher that is safe", async () => {
    const { side, theirs } = startServer();
    expect(await old(theirs, { cipher: ["aes128-gcm@openssh.com"] })).toBe("ready");
    expect(side.signIns).toBe(1);
  });

  test.each<[string, ssh2.Algorithms]>([
    ["aes128-gcm@openssh.com", { cipher: ["aes128-gcm@openssh.com"] }],
    ["aes128-ctr with hmac-sha2-256", { cipher: ["aes128-ctr"], hmac: ["hmac-sha2-256"] }],
  ])("is let in with %s", async (_, algorithms) => {
    const { side, end } = relaxed(algorithms);
    // The exchange hash covers what was changed on the way, so the client finds the signature wrong: after the server agreed.
    expect(await end).toMatch(/signature verification failed/);
    expect(side.errors.join()).not.toContain("strict");
  });

  test("is refused by the client too", async () => {
    const { theirs } = startServer({ ...SERVER_ALGORITHMS, cipher: ["chacha20-poly1305@openssh.com"] });
    const [inner, outer] = streamPair();
    streams.push(inner, outer);
    outer.on("data", (data: Buffer) => void theirs.write(data));
    let seen = Buffer.alloc(0);
    theirs.on("data", (data: Buffer) => {
      seen = Buffer.concat([seen, data]);
      const start = seen.indexOf("\n") + 1;
      if (start === 0 || seen.length < start + 4 || seen.length < start + 4 + seen.readUInt32BE(start))
        return;
      const packet = seen.subarray(start);
      const payload = packet.subarray(5, 4 + packet.readUInt32BE(0) - (packet[4] ?? 0));
      outer.write(Buffer.concat([seen.subarray(0, start), framed(lax(payload))]));
      theirs.removeAllListeners("data");
    });
    await expect(originate(inner, options())).rejects.toThrow("not safe without strict key exchange");
  });
});

describe("originating a connection", () => {
  const failing = (stream: Duplex, more: Partial<OriginateOptions>): Promise<OriginatedConnection> =>
    originate(stream, options(more));

  test("fails at the host key where the host has another one", async () => {
    const { side, theirs } = startServer();
    const other = publicLine(generateKeyPairSync("ed25519").publicKey);
    await expect(failing(theirs, { hostKeys: [other] })).rejects.toMatchObject({
      step: "host-key",
      message: "the host's key is not one that it registered with",
    });
    await soon(() => side.errors.length > 0 || theirs.destroyed);
    expect(side.received).toEqual([]);
  });

  test("fails in time where nothing answers", async () => {
    const [ours, theirs] = streamPair();
    streams.push(ours, theirs);
    await expect(failing(ours, { timeLimitMs: 30 })).rejects.toMatchObject({ step: "version" });
    expect(ours.writableEnded).toBe(true);
  });

  test("fails if the stream ends, or if it is no longer wanted", async () => {
    const [ours, theirs] = streamPair();
    streams.push(ours, theirs);
    theirs.end();
    await expect(failing(ours, {})).rejects.toThrow("closed the connection");
    const again = streamPair();
    streams.push(...again);
    const stop = new AbortController();
    const attempt = failing(again[0], { signal: stop.signal });
    stop.abort();
    await expect(attempt).rejects.toThrow("no longer wanted");
  });

  test("fails at the version where the peer speaks no SSH", async () => {
    const [ours, theirs] = streamPair();
    streams.push(ours, theirs);
    theirs.write(`SSH-9\r\n${"x".repeat(9000)}`);
    await expect(failing(ours, {})).rejects.toMatchObject({ step: "version" });
  });
});
