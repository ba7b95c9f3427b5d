// What Sallyport relies on inside ssh2, which promises none of it. A failure here means: read ssh2's changes before
// moving the version.

import { generateKeyPairSync } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { Duplex } from "node:stream";
import ssh2 from "ssh2";
import { describe, expect, test } from "vitest";
import { SERVER_ALGORITHMS } from "../../../../../protocol/ssh/ssh2/algorithms.ts";
import { SIGNATURE_ALGORITHMS } from "../../../../../protocol/ssh/ssh2/extension-info.ts";
import { isAlive, privateProtocol } from "../../../../../protocol/ssh/ssh2/private.ts";
import { disconnect, injectStream, streamOf } from "../../../../../protocol/ssh/ssh2/server-connection.ts";
import { type PacketTransport, takeOverConnection } from "../../../../../protocol/ssh/ssh2/transport.ts";
import { message, WireReader } from "../../../../../protocol/ssh/wire.ts";

/** Two streams, each of which reads what the other writes. */
function pair(): [Duplex, Duplex] {
  const make = (other: () => Duplex) =>
    new Duplex({
      read() {},
      write(data: Buffer, _encoding, done) {
        other().push(data);
        setImmediate(done);
      },
      final(done) {
        other().push(null);
        done();
      },
    });
  const a: Duplex = make(() => b);
  const b: Duplex = make(() => a);
  return [a, b];
}

const hostKey = generateKeyPairSync("rsa", { modulusLength: 2048 })
  .privateKey.export({ type: "pkcs1", format: "pem" })
  .toString();

interface Meeting {
  readonly client: ssh2.Client;
  readonly connection: ssh2.Connection;
  readonly stream: Duplex;
  readonly transport: PacketTransport;
  readonly received: Buffer[];
  readonly drained: () => number;
}

/** A client of ssh2's, signed in to a server of ssh2's whose connection protocol is taken over. */
async function meet(options: { signIn?: boolean } = {}): Promise<Meeting> {
  const server = new ssh2.Server({ hostKeys: [hostKey], keepaliveInterval: 0 });
  const [theirs, stream] = pair();
  const received: Buffer[] = [];
  let drained = 0;
  const ready = new Promise<{ connection: ssh2.Connection; transport: PacketTransport }>((resolve) => {
    server.on("connection", (connection) => {
      const transport = takeOverConnection(connection, streamOf(connection), {
        receive: (payload) => void received.push(payload),
        drain: () => {
          drained++;
        },
      });
      connection.on("error", () => {});
      if (options.signIn === false) resolve({ connection, transport });
      connection.on("authentication", (context) => context.accept());
      connection.once("ready", () => resolve({ connection, transport }));
    });
  });
  injectStream(server, stream);
  const client = new ssh2.Client();
  client.on("error", () => {});
  client.connect({ sock: theirs, username: "x", keepaliveInterval: 0 });
  return { client, stream, received, drained: () => drained, ...(await ready) };
}
const soon = async (check: () => boolean) => {
  for (let round = 0; round < 500 && !check(); round++)
    await new Promise((resolve) => setTimeout(resolve, 5));
  expect(check()).toBe(true);
};

describe("ssh2", () => {
  const manifest = createRequire(import.meta.url).resolve("ssh2/package.json");
  test("is the version that its private parts were read in", () => {
    expect(JSON.parse(readFileSync(manifest, "utf8")).version).toBe("1.17.0");
  });

  const binding = join(dirname(manifest), "lib/protocol/crypto/build/Release/sshcrypto.node");
  test.skipIf(!existsSync(binding))("has ciphers that can be collected while no JavaScript runs", () => {
    // The headers of Node 24.19 to 24.21 give each cipher this hook, and the process aborts (nodejs/node#65446).
    expect(readFileSync(binding).includes("RemoveEnvironmentCleanupHook")).toBe(false);
  });
});

describe("taking a connection over", () => {
  test("hands over whole connection messages, and only those", async () => {
    const { client, received } = await meet();
    client.exec("a command", () => {});
    await soon(() => received.length === 1);
    const reader = new WireReader(received[0] ?? Buffer.alloc(0));
    expect([reader.byte(), reader.text()]).toEqual([90, "session"]);
  });

  test("sends messages that ssh2's client understands", async () => {
    const { client, transport, received } = await meet();
    const opened = new Promise<Error | undefined>((resolve) => client.exec("x", (error) => resolve(error)));
    await soon(() => received.length === 1);
    const reader = new WireReader(received[0] ?? Buffer.alloc(0), 1);
    reader.string();
    transport.send(message(92, reader.uint32(), 1, "not today", ""));
    expect((await opened)?.message).toMatch(/not today/);
  });

  test("finds the stream that a connection is on", async () => {
    const { connection, stream } = await meet();
    expect(streamOf(connection)).toBe(stream);
  });

  test("is not writable during a key exchange, and afterwards sends what was written during it", async () => {
    const { transport, received, drained } = await meet();
    expect(transport.writable).toBe(true);
    const before = drained();
    transport.rekey();
    expect(transport.writable).toBe(false);
    transport.send(message(80, "question@example.com", true));
    await soon(() => drained() > before && transport.writable);
    expect(transport.bytesSinceKeyExchange).toBeLessThan(100);
    // REQUEST_FAILURE: the question has arrived in one piece.
    await soon(() => received.some((payload) => payload[0] === 82));
  });

  test("counts bytes in both directions until the next key exchange", async () => {
    const { client, transport, received } = await meet();
    const start = transport.bytesSinceKeyExchange;
    transport.send(message(2, Buffer.alloc(1000)));
    expect(transport.bytesSinceKeyExchange - start).toBe(1005);
    client.exec("x".repeat(10), () => {});
    await soon(() => received.length === 1);
    expect(transport.bytesSinceKeyExchange - start).toBeGreaterThan(1005);
    transport.rekey();
    await soon(() => transport.bytesSinceKeyExchange < 1000);
  });

  test("is not writable while the stream below is full", async () => {
    const { stream, transport } = await meet();
    stream.cork();
    for (let sent = 0; sent < 20; sent++) transport.send(message(2, Buffer.alloc(30_000)));
    expect(transport.writable).toBe(false);
    stream.uncork();
    await soon(() => transport.writable);
  });

  test("announces signature algorithms one by one, and no SHA-1", async () => {
    expect(SIGNATURE_ALGORITHMS.join()).not.toMatch(/ssh-rsa|dss/);
    const server = new ssh2.Server({ hostKeys: [hostKey] });
    const [theirs, ours] = pair();
    server.on("connection", (connection) => {
      takeOverConnection(connection, ours, { receive: () => {}, drain: () => {} });
      connection.on("error", () => {});
    });
    injectStream(server, ours);
    const client = new ssh2.Client();
    client.on("error", () => {});
    const lines: string[] = [];
    client.connect({ sock: theirs, username: "x", debug: (line) => void lines.push(line) });
    const announced = new Promise<readonly string[]>((resolve) => {
      const protocol: unknown = Reflect.get(client, "_protocol");
      if (typeof protocol !== "object" || protocol === null) return;
      const handlers: unknown = Reflect.get(protocol, "_handlers");
      if (typeof handlers !== "object" || handlers === null) return;
      Reflect.set(handlers, "EXT_INFO", (_protocol: unknown, extensions: { algs: string[] }[]) =>
        resolve(extensions[0]?.algs ?? []),
      );
    });
    expect(await announced).toEqual([...SIGNATURE_ALGORITHMS]);
    client.destroy();
  });

  test.each(SERVER_ALGORITHMS.cipher as ssh2.CipherAlgorithm[])(
    "announces its extensions right behind its new keys, before the client uses its own: %s",
    async (cipher) => {
      const server = new ssh2.Server({ hostKeys: [hostKey], algorithms: SERVER_ALGORITHMS });
      const [theirs, ours] = pair();
      server.on("connection", (connection) => {
        takeOverConnection(connection, ours, { receive: () => {}, drain: () => {} });
        connection.on("error", () => {});
        connection.on("authentication", (context) => context.accept());
      });
      injectStream(server, ours);
      const client = new ssh2.Client();
      client.on("error", () => {});
      const signedIn = new Promise<void>((resolve) => client.once("ready", () => resolve()));
      // Version line, KEXINIT, KEXDH_INIT: what comes behind them is held back.
      const write = theirs.write.bind(theirs);
      const held: Buffer[] = [];
      let written = 0;
      theirs.write = (data: Buffer) => (written++ < 3 ? write(data) : held.push(data) > 0);
      client.connect({ sock: theirs, username: "x", algorithms: { cipher: [cipher] } });
      const handlers: unknown = Reflect.get(privateProtocol(client), "_handlers");
      if (typeof handlers !== "object" || handlers === null) throw new Error("no handlers");
      await new Promise<void>((resolve) => Reflect.set(handlers, "EXT_INFO", () => resolve()));
      for (const data of held) write(data);
      theirs.write = write;
      await signedIn;
      client.destroy();
    },
  );

  test("offers no host key signature with SHA-1", async () => {
    const server = new ssh2.Server({ hostKeys: [hostKey], algorithms: SERVER_ALGORITHMS });
    const offered = async (algorithm: ssh2.ServerHostKeyAlgorithm) => {
      const [theirs, ours] = pair();
      server.once("connection", (connection) => {
        takeOverConnection(connection, ours, { receive: () => {}, drain: () => {} });
        connection.on("error", () => {});
      });
      injectStream(server, ours);
      const client = new ssh2.Client();
      const result = new Promise<string>((resolve) => {
        client.once("handshake", (negotiated) => resolve(negotiated.serverHostKey));
        client.once("error", (error) => resolve(error.message));
      });
      client.connect({ sock: theirs, username: "x", algorithms: { serverHostKey: [algorithm] } });
      try {
        return await result;
      } finally {
        client.on("error", () => {});
        client.destroy();
      }
    };
    expect(await offered("rsa-sha2-512")).toBe("rsa-sha2-512");
    expect(await offered("ssh-rsa")).toMatch(/no matching host key/);
  });

  test("gives nothing to the receiver before sign-in", async () => {
    const { client, received, stream } = await meet({ signIn: false });
    const protocol: unknown = Reflect.get(client, "_protocol");
    if (typeof protocol !== "object" || protocol === null) throw new Error("no protocol");
    client.once("handshake", () => {
      const session: unknown = Reflect.get(protocol, "session");
      if (typeof session === "function") Reflect.apply(session, protocol, [0, 1000, 1000]);
    });
    await soon(() => stream.writableEnded);
    expect(received).toEqual([]);
  });

  test("tells the client why it is disconnected", async () => {
    const { client, connection } = await meet();
    const reason = new Promise<string>((resolve) => client.once("error", (error) => resolve(error.message)));
    disconnect(connection, 12, "because");
    expect(await reason).toBe("because");
  });

  test("sends nothing and throws nothing after the end", async () => {
    const { connection, stream, transport } = await meet();
    const written: Buffer[] = [];
    const write = stream.write.bind(stream);
    stream.write = (data: Buffer) => {
      written.push(data);
      return write(data);
    };
    transport.send(message(2, "in time"));
    expect(written).toHaveLength(1);
    const { bytesSinceKeyExchange, nextSent } = transport;
    stream.destroy();
    await soon(() => !isAlive(privateProtocol(connection)));
    transport.send(message(2, "late"));
    transport.rekey();
    transport.disconnect(11, "late");
    expect(transport).toMatchObject({ bytesSinceKeyExchange, nextSent, exchangingKeys: false });
    expect(written).toHaveLength(1);
  });
});
