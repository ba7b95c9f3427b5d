// A client that sends exactly what a test wants, to our server in this process or to OpenSSH's in a process of its own.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { Duplex } from "node:stream";
import { PacketReader, PacketSplitter, PacketWriter } from "../../../agent/host/sftp/packet.ts";
import { type SftpOptions, serveSftp } from "../../../agent/host/sftp/server.ts";
import { PACKET, STATUS } from "../../../agent/host/sftp/wire.ts";
import { createLog } from "../../../agent/platform/log.ts";

export interface Answer {
  readonly type: number;
  readonly id: number;
  readonly fields: PacketReader;
}

export class RawClient {
  readonly channel: Duplex;
  /** In the order in which they came. */
  readonly answers: Answer[] = [];
  closed = false;
  readonly #splitter = new PacketSplitter(512 * 1024);
  readonly #wanted = new Map<number, (answer: Answer) => void>();
  #next = 1;

  constructor(channel: Duplex) {
    this.channel = channel;
    channel.on("data", (chunk: Buffer) => {
      this.#splitter.push(chunk);
      for (let bytes = this.#splitter.next(); bytes !== undefined; bytes = this.#splitter.next()) {
        const fields = new PacketReader(bytes);
        const answer = { type: fields.u8(), id: fields.u32(), fields };
        this.answers.push(answer);
        this.#wanted.get(answer.id)?.(answer);
        this.#wanted.delete(answer.id);
      }
    });
    channel.on("end", () => channel.end());
    channel.on("close", () => {
      this.closed = true;
    });
    // The other side may close at any time, which `closed` reports.
    channel.on("error", () => undefined);
  }

  /** INIT; the versions of the extensions by name. */
  async greet(): Promise<Map<string, string>> {
    const answer = new Promise<Answer>((resolve) => this.#wanted.set(3, resolve));
    this.channel.write(new PacketWriter(PACKET.init).u32(3).finish());
    const { fields } = await answer;
    const extensions = new Map<string, string>();
    while (fields.remaining > 0) extensions.set(fields.string().toString(), fields.string().toString());
    return extensions;
  }

  /** Sends a request, and resolves with its answer. */
  request(type: number, fill: (packet: PacketWriter) => PacketWriter): Promise<Answer> {
    const id = this.#next++ + 1000;
    const answer = new Promise<Answer>((resolve) => this.#wanted.set(id, resolve));
    this.channel.write(fill(new PacketWriter(type).u32(id)).finish());
    return answer;
  }

  extended(name: string, fill: (packet: PacketWriter) => PacketWriter = (packet) => packet): Promise<Answer> {
    return this.request(PACKET.extended, (packet) => fill(packet.string(name)));
  }

  async open(path: string | Buffer, pflags: number, mode?: number): Promise<Buffer> {
    return handleOf(await this.tryOpen(path, pflags, mode));
  }

  tryOpen(path: string | Buffer, pflags: number, mode?: number): Promise<Answer> {
    return this.request(PACKET.open, (packet) => {
      packet.string(path).u32(pflags);
      return mode === undefined ? packet.u32(0) : packet.u32(4).u32(mode);
    });
  }

  write(handle: Buffer, offset: number, data: string | Buffer): Promise<Answer> {
    return this.request(PACKET.write, (packet) => packet.string(handle).u64(BigInt(offset)).string(data));
  }

  read(handle: Buffer, offset: number, length: number): Promise<Answer> {
    return this.request(PACKET.read, (packet) => packet.string(handle).u64(BigInt(offset)).u32(length));
  }

  close(handle: Buffer): Promise<Answer> {
    return this.request(PACKET.close, (packet) => packet.string(handle));
  }

  onPath(type: number, path: string | Buffer): Promise<Answer> {
    return this.request(type, (packet) => packet.string(path));
  }

  async end(): Promise<void> {
    if (this.closed) return;
    this.channel.end();
    await once(this.channel, "close");
  }
}

const silent = createLog({ level: "error", write: () => undefined });

/** Our server in this process, greeted. */
export async function ourServer(options: Partial<SftpOptions> & { cwd: string }): Promise<RawClient> {
  const { client } = await unGreeted(options);
  await client.greet();
  return client;
}

/** Our server in this process behind a real socket, and its own side of the socket. */
export async function unGreeted(
  options: Partial<SftpOptions> & { cwd: string },
): Promise<{ client: RawClient; server: Socket }> {
  const listener = createServer({ allowHalfOpen: true, noDelay: true }).listen(0, "127.0.0.1");
  await once(listener, "listening");
  const accepted = new Promise<Socket>((resolve) => listener.once("connection", resolve));
  const address = listener.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  const near = connect({ port: address.port, host: "127.0.0.1", allowHalfOpen: true, noDelay: true });
  const server = await accepted;
  listener.close();
  serveSftp(server, { log: silent, signal: new AbortController().signal, ...options });
  return { client: new RawClient(near), server };
}

export const SFTP_SERVER = "/usr/lib/openssh/sftp-server";

/** OpenSSH's server, greeted. */
export async function opensshServer(cwd: string): Promise<RawClient> {
  const child = spawn(SFTP_SERVER, ["-d", cwd], { cwd, stdio: ["pipe", "pipe", "ignore"] });
  const client = new RawClient(Duplex.from({ readable: child.stdout, writable: child.stdin }));
  await client.greet();
  return client;
}

export function handleOf(answer: Answer): Buffer {
  if (answer.type !== PACKET.handle) throw new Error(`no handle: ${describe(answer)}`);
  return answer.fields.string();
}

export function nameOf(answer: Answer): Buffer {
  if (answer.type !== PACKET.name) throw new Error(`no name: ${describe(answer)}`);
  answer.fields.u32();
  return answer.fields.string();
}

/** `ok`, `noSuchFile` … of a STATUS; `type 103` of anything else. */
export function describe(answer: Answer): string {
  if (answer.type !== PACKET.status) return `type ${answer.type}`;
  const code = answer.fields.u32();
  return Object.entries(STATUS).find(([, value]) => value === code)?.[0] ?? `status ${code}`;
}
