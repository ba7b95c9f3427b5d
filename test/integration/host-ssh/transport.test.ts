import type { ChildProcess } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { finished } from "node:stream/promises";
import ssh2, { type Client, type ClientChannel } from "ssh2";
import { afterEach, describe, expect, test } from "vitest";
import { type Host, type HostSetup, startHost } from "../../support/ssh/host-ssh.ts";
import { finish } from "../../support/ssh/ssh-client.ts";
import { until } from "../../support/until.ts";

const hosts: Host[] = [];
const clients: Client[] = [];
async function started(setup?: HostSetup): Promise<Host> {
  const host = await startHost(setup);
  hosts.push(host);
  return host;
}
afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy();
  for (const host of hosts.splice(0)) await host.stop();
});
/** What ssh has written to stderr so far. */
function errorsOf(child: ChildProcess): () => string {
  let errors = "";
  child.stderr?.on("data", (data: Buffer) => {
    errors += data.toString();
  });
  return () => errors;
}
const count = (text: string, part: string) => text.split(part).length - 1;
const hash = (data: Buffer) => createHash("sha256").update(data).digest("hex");

/** A client whose packets can be made by hand. */
async function rawClient(host: Host): Promise<Client> {
  const client = new ssh2.Client();
  clients.push(client);
  client.on("error", () => {});
  client.connect({
    host: "127.0.0.1",
    port: host.port,
    username: "x",
    privateKey: readFileSync(join(host.directory, "id")),
  });
  await once(client, "ready");
  return client;
}
/** Sends a message without the checks by which ssh2's client keeps to the rules. */
function sendRaw(client: Client, message: string, ...args: readonly unknown[]): void {
  const protocol = objectAt(client, "_protocol");
  const method: unknown = Reflect.get(protocol, message);
  if (typeof method !== "function") throw new Error(`ssh2 has no ${message}.`);
  Reflect.apply(method, protocol, args);
}
function remoteNumber(channel: ClientChannel): unknown {
  return Reflect.get(objectAt(channel, "outgoing"), "id");
}
function objectAt(target: object, name: string): object {
  const value: unknown = Reflect.get(target, name);
  if (typeof value !== "object" || value === null) throw new Error(`ssh2 has no ${name}.`);
  return value;
}
const exec = (client: Client, command: string) =>
  new Promise<ClientChannel>((resolve, reject) =>
    client.exec(command, (error, channel) => (error ? reject(error) : resolve(channel))),
  );

describe("new keys", () => {
  const both = async (host: Host, options: readonly string[]) => {
    const data = randomBytes(24 * 1024 * 1024);
    const result = await finish(host.start([...options, "ws", "cat"]), data);
    return { same: hash(result.stdout) === hash(data), stderr: result.stderr, code: result.code };
  };

  test("are exchanged by the client's wish under load both ways", async () => {
    const host = await started();
    const result = await both(host, ["-v", "-o", "RekeyLimit=1M"]);
    expect(result).toMatchObject({ same: true, code: 0 });
    expect(result.stderr.match(/SSH2_MSG_NEWKEYS received/g)?.length).toBeGreaterThan(5);
  });

  test("are exchanged by the host's limits under load both ways", async () => {
    const host = await started({ limits: { keyExchange: { bytes: 4 * 1024 * 1024, ageMs: 3_600_000 } } });
    const result = await both(host, ["-v"]);
    expect(result).toMatchObject({ same: true, code: 0 });
    expect(result.stderr.match(/SSH2_MSG_NEWKEYS received/g)?.length).toBeGreaterThan(3);
  });

  test("are exchanged after a time", async () => {
    const host = await started({ limits: { keyExchange: { bytes: 1024 ** 3, ageMs: 200 } } });
    const child = host.start(["-v", "ws", "cat"]);
    const errors = errorsOf(child);
    await until(() => count(errors(), "SSH2_MSG_NEWKEYS received") > 2);
    const result = await finish(child, "done");
    expect({ code: result.code, stdout: result.stdout.toString() }).toEqual({ code: 0, stdout: "done" });
  });
});

describe("algorithms", () => {
  test.each([
    "chacha20-poly1305@openssh.com",
    "aes128-gcm@openssh.com",
    "aes256-gcm@openssh.com",
    "aes256-ctr",
  ])("include %s", async (cipher) => {
    const host = await started();
    expect((await host.ssh(["-c", cipher, "ws", "echo in"])).stdout.toString()).toBe("in\n");
  });

  test("have neither SHA-1 nor CBC, and the first choice is authenticated encryption over curve25519", async () => {
    const host = await started();
    const verbose = await host.ssh(["-vv", "ws", "true"]);
    const offer = verbose.stderr.slice(verbose.stderr.indexOf("peer server KEXINIT proposal"));
    expect(offer).toMatch(
      /KEX algorithms: mlkem768x25519-sha256,curve25519-sha256,\S*kex-strict-s-v00@openssh.com/,
    );
    expect(offer.slice(0, 1500)).not.toMatch(/sha1|cbc|zlib|ssh-rsa/);
    expect(verbose.stderr).toMatch(/resetting read seqnr/);
  });
});

describe("signs of life", () => {
  test("are answered", async () => {
    const host = await started();
    const child = host.start([
      "-vvv",
      "-o",
      "ServerAliveInterval=1",
      "-o",
      "ServerAliveCountMax=10",
      "ws",
      "cat",
    ]);
    const errors = errorsOf(child);
    // A global request (80), and REQUEST_FAILURE (82), which is an answer. `no-more-sessions` is an 80 too, but asks for none.
    await until(() => /send packet: type 80\b[\s\S]*receive packet: type 82\b/.test(errors()));
    const result = await finish(child, "done");
    expect({ code: result.code, stdout: result.stdout.toString() }).toEqual({ code: 0, stdout: "done" });
  });

  test("are asked for, and a client that gives none is dropped", async () => {
    const host = await started({ limits: { keepaliveMs: 500 } });
    const child = host.start(["-v", "ws", "sleep 300"]);
    const errors = errorsOf(child);
    // More of them than may stay without an answer.
    await until(() => count(errors(), "rtype keepalive@openssh.com") > 7);
    expect(host.server.connections).toBe(1);
    child.kill("SIGSTOP");
    await until(() => host.server.connections === 0);
    child.kill("SIGCONT");
  });
});

describe("a signal that the client sends", () => {
  test("reaches the whole process group, and ends it with that signal's name", async () => {
    const host = await started();
    const client = await rawClient(host);
    const channel = await exec(
      client,
      "trap 'echo got it' USR1; echo up; while :; do sleep 0.05; done 2>/dev/null",
    );
    let output = "";
    channel.on("data", (data: Buffer) => {
      output += data.toString();
    });
    const exit = new Promise<unknown[]>((resolve) => channel.once("exit", (...details) => resolve(details)));
    await until(() => output === "up\n");
    channel.signal("USR1");
    await until(() => output === "up\ngot it\n");
    channel.signal("TERM");
    expect((await exit)[1]).toBe("SIGTERM");
  });

  test("is refused where the key decides what runs", async () => {
    const host = await started({ permissions: { command: "echo up; sleep 0.7; echo on" } });
    const client = await rawClient(host);
    const channel = await exec(client, "anything");
    let output = "";
    channel.on("data", (data: Buffer) => {
      output += data.toString();
    });
    await until(() => output === "up\n");
    channel.signal("TERM");
    await until(() => output === "up\non\n");
  });
});

describe("a client that ignores its limits", () => {
  test("loses the channel whose window it overruns, and no memory is spent on it", async () => {
    const host = await started();
    const client = await rawClient(host);
    const channel = await exec(client, "sleep 300");
    const closed = new Promise((resolve) => channel.resume().once("close", resolve));
    const before = process.memoryUsage().rss;
    const block = Buffer.alloc(32 * 1024);
    const socket = host.sockets[0];
    const size = 256 * 1024 * 1024;
    for (let sent = 0; sent < size; sent += block.length) {
      sendRaw(client, "channelData", remoteNumber(channel), block);
      // The bytes leave this process's buffers before more are made.
      if (sent % (1024 * 1024) === 0) await until(() => (socket?.bytesRead ?? 0) > sent);
    }
    await closed;
    expect(host.lines.join("\n")).toMatch(/more than its window allows/);
    // Memory that was kept would be all of it; what waits for the garbage collector is a part.
    expect(process.memoryUsage().rss - before).toBeLessThan(size / 2);
    // The connection goes on.
    const next = await exec(client, "echo on");
    const [data] = await once(next, "data");
    expect(String(data)).toBe("on\n");
  });

  test("gets 256 sessions and no more, and one more when one has ended", async () => {
    const host = await started();
    const client = await rawClient(host);
    const handlers = objectAt(objectAt(client, "_protocol"), "_handlers");
    const opened: number[] = [];
    let refused = 0;
    Reflect.set(handlers, "CHANNEL_OPEN_CONFIRMATION", (_: unknown, { sender }: { sender: number }) =>
      opened.push(sender),
    );
    Reflect.set(handlers, "CHANNEL_OPEN_FAILURE", () => refused++);
    for (let id = 0; id < 300; id++) sendRaw(client, "session", id, 1 << 20, 1 << 15);
    await until(() => opened.length + refused === 300);
    expect([opened.length, refused]).toEqual([256, 44]);
    sendRaw(client, "channelClose", opened[0]);
    sendRaw(client, "session", 300, 1 << 20, 1 << 15);
    await until(() => opened.length + refused === 301);
    expect(opened).toHaveLength(257);
    client.end();
  });

  test("gets 64 listeners and no more", async () => {
    const host = await started();
    const client = await rawClient(host);
    const ports = await Promise.all(
      Array.from(
        { length: 70 },
        () =>
          new Promise<number | undefined>((resolve) =>
            client.forwardIn("127.0.0.1", 0, (error, port) => resolve(error ? undefined : port)),
          ),
      ),
    );
    const open = ports.filter((port) => port !== undefined);
    expect(open).toHaveLength(64);
    expect(new Set(open).size).toBe(64);
    client.end();
    const [port = 0] = open;
    await until(async () => {
      const probe = connect({ host: "127.0.0.1", port });
      return finished(probe).then(
        () => false,
        () => true,
      );
    });
  });

  test("gets no session after it has asked for no more", async () => {
    const host = await started();
    const client = await rawClient(host);
    sendRaw(client, "openssh_noMoreSessions", false);
    await expect(exec(client, "true")).rejects.toThrow("no more sessions");
  });

  test("is cut off when it sends a malformed message", async () => {
    const host = await started();
    const client = await rawClient(host);
    const ended = new Promise<void>((resolve) => client.once("close", () => resolve()));
    const channel = await exec(client, "sleep 300");
    // A window beyond 2^32 - 1.
    sendRaw(client, "channelWindowAdjust", remoteNumber(channel), 0xffff_ffff);
    await ended;
    await until(() => host.server.connections === 0);
  });
});
