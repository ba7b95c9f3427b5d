// One client's SSH connection, from the first byte to the last: sign-in, then the sessions and forwards that its key
// allows. Everything that belongs to the connection is made here and ends here.

import type { Duplex } from "node:stream";
import type { Connection as Ssh2Connection } from "ssh2";
import type { StreamVia } from "../../../protocol/control.ts";
import { endThenDestroy } from "../../../protocol/flow/end-then-destroy.ts";
import type { Channel } from "../../../protocol/ssh/channel.ts";
import { type ChannelRequest, Connection, type ConnectionOwner } from "../../../protocol/ssh/connection.ts";
import type { GlobalReply } from "../../../protocol/ssh/global-requests.ts";
import {
  createKeyExchangeTimer,
  type KeyExchangeLimits,
  type KeyExchangeTimer,
} from "../../../protocol/ssh/key-exchange-timer.ts";
import { DISCONNECT, OPEN_FAILURE } from "../../../protocol/ssh/message-numbers.ts";
import { disconnect, refuseMessage } from "../../../protocol/ssh/ssh2/server-connection.ts";
import { type PacketTransport, takeOverConnection } from "../../../protocol/ssh/ssh2/transport.ts";
import type { WireReader } from "../../../protocol/ssh/wire.ts";
import type { Log } from "../../platform/log.ts";
import {
  type AgentForwarding,
  createAgentForwarding,
  socketDirectories,
} from "./forwarding/agent-forwarding.ts";
import { createDirectForwarding, type DirectForwarding } from "./forwarding/direct-forwarding.ts";
import {
  createRemoteForwarding,
  FORWARD_REQUESTS,
  type RemoteForwarding,
} from "./forwarding/remote-forwarding.ts";
import { type SessionContext, serveSession } from "./session/session.ts";
import type { ShellUser } from "./session/shell-user.ts";
import { createAuthentication, type SignIn } from "./sign-in/authentication.ts";
import type { KeyGrant, OfferedKey } from "./sign-in/key-grant.ts";

interface ClientConnectionOptions {
  readonly anyone: boolean;
  allowed(key: OfferedKey): KeyGrant | undefined;
  gatewayKeys(): readonly string[];
  gatewayTime(): Date | undefined;
  readonly ownerTokens: boolean;
  readonly via: StreamVia;
  onSignedIn(): void;
  /** For the log: who this is, as far as it is known before sign-in. */
  readonly peer: string;
  readonly address: string;
  readonly user: ShellUser;
  readonly cwd: string | undefined;
  readonly hostEnvironment: Readonly<Record<string, string | undefined>>;
  readonly openFiles: number | undefined;
  readonly log: Log;
  readonly pipes: SessionContext["pipes"];
  readonly keyExchange: KeyExchangeLimits;
  serveSftp: SessionContext["serveSftp"];
}

/**
 * Sessions and forwarded connections together. sshd has no such bound. This one is far beyond what a browser opens;
 * protocol/ssh/channel.ts bounds the memory that channels take.
 */
export const MAX_CHANNELS = 4_096;
/** Each is a process. */
const MAX_SESSIONS = 256;

/** What sign-in makes available. */
interface SignedIn {
  readonly signIn: SignIn;
  readonly userName: string;
  readonly direct: DirectForwarding;
  readonly remote: RemoteForwarding;
  readonly agent: AgentForwarding;
}

export class ClientConnection implements ConnectionOwner {
  readonly #ssh2: Ssh2Connection;
  readonly #stream: Duplex;
  readonly #options: ClientConnectionOptions;
  readonly #log: Log;
  readonly #connection: Connection;
  readonly #keyExchange: KeyExchangeTimer;
  #signedIn: SignedIn | undefined;
  #noMoreSessions = false;
  #sessions = 0;
  #closed = false;

  /** Must be made within ssh2's `connection` event. */
  constructor(ssh2: Ssh2Connection, stream: Duplex, options: ClientConnectionOptions) {
    this.#ssh2 = ssh2;
    this.#stream = stream;
    this.#options = options;
    this.#log = prefixed(options.log, options.peer);
    this.#connection = new Connection(this.#log, MAX_CHANNELS);
    const transport: PacketTransport = takeOverConnection(ssh2, stream, {
      receive: (payload) => {
        this.#keyExchange.moved();
        this.#connection.receive(payload);
      },
      drain: () => {
        this.#keyExchange.moved();
        this.#connection.drain();
      },
    });
    this.#connection.start(transport, this);
    this.#keyExchange = createKeyExchangeTimer(transport, options.keyExchange);

    let pending: Pick<SignedIn, "signIn" | "userName"> | undefined;
    ssh2.on(
      "authentication",
      createAuthentication(options, {
        signedIn: (signIn, userName) => {
          pending = { signIn, userName };
        },
        certificateRefused: (reason) => this.#log.info(`certificate refused: ${reason}`),
        tooManyTries: () => this.end("Too many authentication failures", DISCONNECT.noMoreAuthMethods),
      }),
    );
    ssh2.once("ready", () => {
      if (pending !== undefined) this.#begin(pending);
    });
    ssh2.on("rekey", () => this.#keyExchange.exchanged());
    ssh2.on("error", (error) => {
      this.#log.info(`connection failed: ${error.message}`);
      this.close();
    });
    ssh2.once("close", () => this.close());
    ssh2.once("end", () => this.close());
  }

  /** undefined before sign-in, and where the connection was let in without a key. */
  get key(): OfferedKey | undefined {
    return this.#signedIn?.signIn.key;
  }

  get grant(): KeyGrant | undefined {
    return this.#signedIn?.signIn.grant;
  }

  /** Tells the client why, and closes. */
  end(reason: string, code: number = DISCONNECT.byApplication): void {
    if (this.#closed) return;
    this.#log.info(`connection closed: ${reason}`);
    disconnect(this.#ssh2, code, reason);
    this.close();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#keyExchange.stop();
    this.#connection.close();
    this.#signedIn?.direct.close();
    this.#signedIn?.remote.close();
    this.#signedIn?.agent.close();
    // What the client still sends is read and dropped: unread bytes would turn the close into a reset, and the last words
    // would be lost.
    endThenDestroy(this.#stream);
    this.#stream.resume();
    if (this.#stream.readableEnded) this.#stream.once("finish", () => this.#stream.destroy());
    if (this.#signedIn !== undefined) this.#log.info("connection ended");
  }

  #begin({ signIn, userName }: Pick<SignedIn, "signIn" | "userName">): void {
    this.#options.onSignedIn();
    const { grant } = signIn;
    const { user } = this.#options;
    const who = grant.account === null ? "" : ` for ${grant.account}`;
    this.#log.info(`signed in with ${grant.fingerprint}${who}`);
    this.#signedIn = {
      signIn,
      userName,
      direct: createDirectForwarding(grant.permissions, user.home, this.#log),
      remote: createRemoteForwarding(this.#connection, grant.permissions, user.home, this.#log),
      agent: createAgentForwarding(
        this.#connection,
        socketDirectories(this.#options.hostEnvironment),
        this.#log,
      ),
    };
  }

  openChannel(request: ChannelRequest): void {
    if (this.#signedIn === undefined) {
      request.refuse(OPEN_FAILURE.administrativelyProhibited, "not signed in");
      return;
    }
    switch (request.type) {
      case "session": {
        if (this.#noMoreSessions) {
          request.refuse(OPEN_FAILURE.administrativelyProhibited, "no more sessions");
          return;
        }
        if (this.#sessions >= MAX_SESSIONS) {
          request.refuse(OPEN_FAILURE.resourceShortage, "too many sessions");
          return;
        }
        const channel = request.accept();
        if (channel === undefined) return;
        this.#countSession(channel);
        this.#serveSession(channel, this.#signedIn);
        return;
      }
      case "direct-tcpip":
        this.#signedIn.direct.tcp(request);
        return;
      case "direct-streamlocal@openssh.com":
        this.#signedIn.direct.unix(request);
        return;
      default:
        request.refuse(OPEN_FAILURE.unknownChannelType, "unknown channel type");
        return;
    }
  }

  globalRequest(name: string, data: WireReader): GlobalReply | Promise<GlobalReply> {
    if (name === "no-more-sessions@openssh.com") {
      this.#noMoreSessions = true;
      return true;
    }
    if (FORWARD_REQUESTS.some((request) => request === name)) {
      return this.#signedIn?.remote.request(name, data) ?? false;
    }
    // For keepalive@openssh.com, among others: a refusal is an answer too (RFC 4254 §4).
    return false;
  }

  refuseUnknown(): Uint8Array {
    return refuseMessage(this.#ssh2);
  }

  /** Counts a session until either side has closed it. */
  #countSession(channel: Channel): void {
    this.#sessions++;
    let isOpen = true;
    const closed = () => {
      if (isOpen) this.#sessions--;
      isOpen = false;
    };
    channel.once("gone", closed);
    channel.once("close", closed);
  }

  #serveSession(channel: Channel, { signIn, userName, agent }: SignedIn): void {
    const { user, cwd, hostEnvironment, openFiles, pipes, address, serveSftp } = this.#options;
    serveSession(channel, {
      user,
      signedInAs: userName,
      cwd,
      hostEnvironment,
      openFiles,
      // Clients behind the gateway have no port. sshd writes 65535 where it knows none.
      client: { address, port: 65535 },
      server: { address: "127.0.0.1", port: 22 },
      permissions: signIn.grant.permissions,
      log: this.#log,
      pipes,
      forwardAgent: () => agent.start(),
      agentSocket: () => agent.path,
      serveSftp,
    });
  }
}

function prefixed(log: Log, peer: string): Log {
  const at = (level: keyof Log) => (text: string) => log[level](`${peer}: ${text}`);
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}
