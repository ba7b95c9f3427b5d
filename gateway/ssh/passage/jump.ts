// A jump connection (`ssh -J gateway workspace`). Each `direct-tcpip` channel to `<workspace>:22` becomes a
// stream to that workspace's SSH server; everything else is refused. The gateway only passes ciphertext
// between the client and the host.

import type { Duplex } from "node:stream";
import { type ErrorCode, ProtocolError } from "../../../protocol/errors.ts";
import type { Channel } from "../../../protocol/ssh/channel.ts";
import type { ChannelRequest, ConnectionOwner } from "../../../protocol/ssh/connection.ts";
import type { GlobalReply } from "../../../protocol/ssh/global-requests.ts";
import { OPEN_FAILURE } from "../../../protocol/ssh/message-numbers.ts";
import { WireError, type WireReader } from "../../../protocol/ssh/wire.ts";
import { parseWorkspaceRef } from "../../../protocol/values/name.ts";
import { PROVE_HOST_KEYS } from "./host-key-announcement.ts";
import type { JumpStream } from "./jump-stream.ts";

/** The only port of a workspace. It stands for the host's SSH server, wherever that really listens. */
const WORKSPACE_PORT = 22;

interface JumpOptions {
  /**
   * @throws ProtocolError for a workspace that is unknown, out of reach or offline, and the errors of
   *   Link.openStream
   */
  open(workspace: string): Promise<JumpStream>;
  /** The answer to `hostkeys-prove-00@openssh.com`; undefined: it is refused. */
  prove(request: WireReader): Buffer | undefined;
  refused(what: string, code: ErrorCode): void;
  refuseUnknown(): Uint8Array;
  /** Tells the client why it gets no session here, and what to do instead. */
  readonly advice: string;
}

/** The fields of a `direct-tcpip` CHANNEL_OPEN behind the common ones (RFC 4254 §7.2). */
interface Destination {
  readonly host: string;
  readonly port: number;
}

/** @throws WireError */
function readDestination(data: WireReader): Destination {
  const destination = { host: data.text(255), port: data.uint32() };
  // The originator's address and port do not matter here.
  data.text(255);
  data.uint32();
  return destination;
}

export function createJump(options: JumpOptions): ConnectionOwner {
  const refuse = (request: ChannelRequest, reason: number, code: ErrorCode, text: string): void => {
    options.refused(`${request.type}: ${text}`, code);
    request.refuse(reason, text);
  };

  const openStream = async (request: ChannelRequest, host: string): Promise<void> => {
    let jump: JumpStream;
    try {
      // Only a name, a name with an owner, or an id can be a workspace.
      parseWorkspaceRef(host);
      jump = await options.open(host);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      const known =
        error.code !== "workspace_unknown" && error.code !== "bad_name" && error.code !== "bad_id";
      const reason = known ? OPEN_FAILURE.connectFailed : OPEN_FAILURE.administrativelyProhibited;
      const text = known ? error.message : `there is no workspace ${host.slice(0, 60)} for you here`;
      refuse(request, reason, error.code, text);
      return;
    }
    const { stream } = jump;
    const channel = request.accept();
    if (channel === undefined) {
      // The client has left in the meantime.
      stream.on("error", () => stream.destroy());
      stream.end();
      return;
    }
    join(channel, stream, jump);
  };

  return {
    openChannel(request) {
      if (request.type !== "direct-tcpip") {
        refuse(request, OPEN_FAILURE.administrativelyProhibited, "forbidden", options.advice);
        return;
      }
      const { host, port } = readDestination(request.data);
      if (port !== WORKSPACE_PORT) {
        const text = `only port ${WORKSPACE_PORT} of a workspace can be reached`;
        refuse(request, OPEN_FAILURE.administrativelyProhibited, "forbidden", text);
        return;
      }
      openStream(request, host).catch(() => {
        refuse(request, OPEN_FAILURE.connectFailed, "internal", "the gateway failed");
      });
    },
    globalRequest(name, data): GlobalReply {
      if (name === PROVE_HOST_KEYS) return options.prove(data) ?? false;
      // There are no sessions here, so agreeing costs nothing.
      return name === "no-more-sessions@openssh.com";
    },
    refuseUnknown: () => options.refuseUnknown(),
  };
}

/**
 * The host that the first message of a connection wants to jump to: the message is CHANNEL_OPEN of a
 * `direct-tcpip` to port 22. undefined: it is something else, or malformed. Whether the host is a workspace
 * is not checked.
 */
export function jumpDestination(reader: WireReader): string | undefined {
  try {
    if (reader.text(128) !== "direct-tcpip") return undefined;
    // Sender channel, initial window, maximum packet.
    for (let i = 0; i < 3; i++) reader.uint32();
    const { host, port } = readDestination(reader);
    return port === WORKSPACE_PORT ? host : undefined;
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    return undefined;
  }
}

/** Joins the channel and the stream. Each direction has its own end and its own back-pressure. */
function join(channel: Channel, stream: Duplex, jump: JumpStream): void {
  const closed = jump.opened(() => {
    channel.destroy();
    stream.destroy();
  });
  channel.on("data", (data: Buffer) => jump.onBytes(data.length, 0));
  stream.on("data", (data: Buffer) => jump.onBytes(0, data.length));
  stream.on("error", () => channel.destroy());
  stream.once("close", () => {
    closed();
    // Everything that the host has sent is sent on before the channel closes.
    channel.close();
  });
  // The client has sent CLOSE, or its connection has ended. What it sent before still goes to the host.
  channel.once("gone", () => {
    stream.unpipe(channel);
    stream.resume();
    if (channel.readableEnded) stream.end();
    else channel.once("end", () => stream.end());
  });
  channel.once("close", () => {
    if (!channel.isGone) stream.destroy();
  });
  channel.pipe(stream);
  stream.pipe(channel);
}
