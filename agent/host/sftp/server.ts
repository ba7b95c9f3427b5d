// The host's SFTP server: SFTP version 3 as OpenSSH speaks it, on one subsystem channel. This file takes the client's
// packets off the channel, runs their operations in order, and sends the answers, within bounds.

import { Socket } from "node:net";
import { homedir } from "node:os";
import { resolve } from "node:path";
import type { Duplex } from "node:stream";
import type { Log } from "../../platform/log.ts";
import { BufferPool } from "./buffer-pool.ts";
import { HandleTable } from "./handles.ts";
import { directoryOperations } from "./operations/directory-operations.ts";
import { extensions } from "./operations/extension-operations.ts";
import { fileOperations } from "./operations/file-operations.ts";
import { metadataOperations } from "./operations/metadata-operations.ts";
import {
  type Operation,
  type Plan,
  type SftpSession,
  statusAnswer,
  touchesNothing,
} from "./operations/operation.ts";
import { DATA_OFFSET, MalformedPacketError, PacketReader, PacketSplitter, PacketWriter } from "./packet.ts";
import { RequestQueue } from "./request-queue.ts";
import { permissionDenied, StatusError, toStatus } from "./status.ts";
import { UserDatabase } from "./user-database.ts";
import { MAX_HANDLES, MAX_PACKET_BYTES, PACKET, PROTOCOL_VERSION, STATUS } from "./wire.ts";

export interface SftpOptions {
  /** Where relative paths start. */
  cwd: string;
  /** Every change is refused with SSH_FX_PERMISSION_DENIED. */
  readOnly?: boolean;
  /** Whose home `~` is. Default: that of the user that this program runs as. */
  person?: SftpSession["person"];
  log: Log;
  /** Ends the session at once. */
  signal: AbortSignal;
}

/**
 * Beyond this many requests in flight, or their bytes, the channel is not read. Few run at once, since the whole process has
 * four threads that wait for the disk; this also bounds the answers that are ready but not yet sent.
 */
const QUEUE_LIMITS = { requests: 64, bytes: 4 * 1024 * 1024, running: 8 };

const operations: ReadonlyMap<number, Operation> = new Map([
  ...fileOperations,
  ...directoryOperations,
  ...metadataOperations,
]);
const operationsByName: ReadonlyMap<string, Operation> = new Map(
  extensions.map(({ name, operation }) => [name, operation]),
);
const unknownRequest: Plan = {
  access: touchesNothing,
  run: () => Promise.reject(new StatusError(STATUS.unsupported, "Operation unsupported")),
};
const users = new UserDatabase();
/** Shared by all sessions; at most 8 MiB lie idle. */
const pool = new BufferPool(MAX_PACKET_BYTES + DATA_OFFSET, 32);

/** Serves one channel, owns it until either side ends, and closes every handle at the end. */
export function serveSftp(channel: Duplex, options: SftpOptions): void {
  new SftpServer(channel, options).start();
}

/**
 * greeting: the client has not sent INIT yet. serving: requests are answered. draining: the client has ended its side, and
 * what it asked for is still answered. ended: nothing is read or written any more.
 */
type State = "greeting" | "serving" | "draining" | "ended";

class SftpServer {
  readonly #channel: Duplex;
  readonly #log: Log;
  readonly #signal: AbortSignal;
  readonly #ended = new AbortController();
  readonly #session: SftpSession;
  readonly #splitter = new PacketSplitter(MAX_PACKET_BYTES, (length) => pool.take(length));
  readonly #queue: RequestQueue;
  readonly #takesBytes: boolean;
  #state: State = "greeting";

  constructor(channel: Duplex, options: SftpOptions) {
    this.#channel = channel;
    this.#takesBytes = channel instanceof Socket || isSshChannel(channel);
    this.#log = options.log;
    this.#signal = options.signal;
    this.#session = {
      base: Buffer.from(resolve(options.cwd)),
      readOnly: options.readOnly ?? false,
      handles: new HandleTable(MAX_HANDLES),
      users,
      person: options.person ?? { home: homedir(), signedInAs: undefined },
      takeBuffer: (length) => pool.take(length),
      ended: this.#ended.signal,
    };
    this.#queue = new RequestQueue(
      QUEUE_LIMITS,
      () => !channel.writableNeedDrain,
      () => this.#pump(),
    );
  }

  start(): void {
    this.#signal.addEventListener("abort", this.#onAbort, { once: true });
    this.#channel
      .on("data", (chunk: Buffer) => {
        if (this.#state === "ended") return;
        this.#splitter.push(chunk);
        this.#pump();
      })
      .on("end", () => {
        if (this.#state !== "ended") this.#state = "draining";
        this.#pump();
      })
      .on("drain", () => {
        this.#queue.advance();
        this.#pump();
      })
      .on("close", () => this.#end("the channel closed"))
      .on("error", (error: Error) => this.#end(`the channel failed: ${error.message}`));
    if (this.#signal.aborted) this.#onAbort();
  }

  readonly #onAbort = (): void => this.#end("stopped");

  /** Takes packets while the queue has room for them; otherwise stops reading the channel. */
  #pump(): void {
    if (this.#state === "ended") return;
    try {
      while (this.#queue.hasRoom) {
        const packet = this.#splitter.next();
        if (packet === undefined) break;
        this.#accept(packet);
      }
    } catch (error) {
      if (!(error instanceof MalformedPacketError)) throw error;
      this.#log.warn(`sftp: the client sent ${error.message}; the session ends`);
      this.#end("malformed packet");
      return;
    }
    if (!this.#queue.hasRoom) this.#channel.pause();
    else if (this.#state === "draining") this.#finishIfIdle();
    else if (this.#channel.isPaused()) this.#channel.resume();
  }

  #accept(bytes: Buffer): void {
    const packet = new PacketReader(bytes);
    const type = packet.u8();
    if (type === PACKET.init) {
      // The client's version. Whatever it is, both sides then speak version 3 (§4).
      packet.u32();
      this.#greet();
      return;
    }
    if (this.#state === "greeting") throw new MalformedPacketError("a request before its INIT");
    const id = packet.u32();
    const operation =
      type === PACKET.extended ? operationsByName.get(packet.string().toString()) : operations.get(type);
    const { access, run } =
      operation === undefined ? unknownRequest : operation.plan(this.#session, id, packet);
    const refused = operation?.writes === true && this.#session.readOnly;
    const work = refused ? () => Promise.reject(permissionDenied("Read-only session")) : run;
    this.#queue.add(access, bytes.length, async () => {
      const answer = await this.#answer(id, work);
      pool.giveBack(bytes);
      return () => this.#send(answer);
    });
  }

  #greet(): void {
    if (this.#state === "serving") throw new MalformedPacketError("a second INIT");
    if (this.#state === "greeting") this.#state = "serving";
    const packet = new PacketWriter(PACKET.version).u32(PROTOCOL_VERSION);
    for (const { name, version } of extensions) packet.string(name).string(version);
    this.#send(packet.finish());
  }

  async #answer(id: number, work: () => Promise<Buffer>): Promise<Buffer> {
    try {
      return await work();
    } catch (error) {
      const { status, message, expected } = toStatus(error);
      if (!expected) this.#log.error(`sftp: ${error instanceof Error ? error.stack : String(error)}`);
      return statusAnswer(id, status, message);
    }
  }

  #send(packet: Buffer): void {
    if (this.#state === "ended") return;
    if (this.#takesBytes) this.#channel.write(packet, () => pool.giveBack(packet));
    else this.#channel.write(packet);
  }

  #finishIfIdle(): void {
    if (this.#queue.size === 0) this.#end("the client is done");
  }

  /** Every end of a session comes here. Descriptors are closed once nothing runs on them any more. */
  #end(reason: string): void {
    if (this.#state === "ended") return;
    const orderly = this.#state === "draining" && reason === "the client is done";
    this.#state = "ended";
    this.#log.debug(`sftp: session over: ${reason}`);
    this.#signal.removeEventListener("abort", this.#onAbort);
    this.#ended.abort();
    this.#queue.clear();
    sendExitStatus(this.#channel, orderly ? 0 : 255);
    if (orderly) this.#channel.end();
    else this.#channel.destroy();
    this.#closeHandles().catch((error: unknown) => {
      this.#log.error(`sftp: closing handles: ${String(error)}`);
    });
  }

  async #closeHandles(): Promise<void> {
    await this.#queue.idle();
    for (const error of await this.#session.handles.closeAll()) {
      this.#log.warn(`sftp: closing a handle: ${toStatus(error).message}`);
    }
  }
}

/** An SSH channel owes its client an exit status: without one, scp thinks that the copy failed. */
function sendExitStatus(channel: Duplex, status: number): void {
  if (isSshChannel(channel) && channel.writable) channel.exit(status);
}

/**
 * The host's SSH channel. Like a socket, it has copied the bytes of a write (into SSH packets) when it calls back, so that
 * the buffer may be used again. Streams within the process may pass on the buffer itself.
 */
function isSshChannel(channel: Duplex): channel is Duplex & { exit: (status: number) => void } {
  return "exit" in channel && typeof channel.exit === "function";
}
