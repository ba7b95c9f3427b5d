// The SSH server in the workspace, where every path from a person's ssh ends. The link to the gateway hands it byte
// streams. ssh2 does the transport and parses sign-ins; client-connection.ts does everything after that.

import type { Duplex } from "node:stream";
import { isDeepStrictEqual } from "node:util";
import ssh2 from "ssh2";
import type { StreamVia } from "../../../protocol/control.ts";
import { FairSlots, type Slot } from "../../../protocol/flow/fair-slots.ts";
import type { Channel } from "../../../protocol/ssh/channel.ts";
import { IDENTIFICATION } from "../../../protocol/ssh/identification.ts";
import { KEY_EXCHANGE_LIMITS, type KeyExchangeLimits } from "../../../protocol/ssh/key-exchange-timer.ts";
import { SERVER_ALGORITHMS } from "../../../protocol/ssh/ssh2/algorithms.ts";
import { injectStream, streamOf } from "../../../protocol/ssh/ssh2/server-connection.ts";
import { addressBlock } from "../../../protocol/values/address-block.ts";
import type { Log } from "../../platform/log.ts";
import type { SftpOptions } from "../sftp/server.ts";
import { ClientConnection } from "./client-connection.ts";
import { openFilesAtStart } from "./open-files-limit.ts";
import { PipeStock } from "./prelude/anonymous-pipes.ts";
import { shellUser } from "./session/shell-user.ts";
import type { KeyAuthority } from "./sign-in/allowed-keys.ts";

export type { KeyGrant } from "./sign-in/key-grant.ts";

export interface HostSshServerOptions {
  /** Private keys, OpenSSH or PEM text. */
  readonly hostKeys: readonly string[];
  readonly allowed: KeyAuthority;
  /** Lets everyone in, with or without a key. */
  readonly anyone: boolean;
  /** Keys of the gateway that this host is registered at, authorized_keys form; they sign certificates for people. Default: none. */
  readonly gatewayKeys?: () => readonly string[];
  /** The time by the gateway's clock. Default: not known. */
  readonly gatewayTime?: () => Date | undefined;
  /** Accepts sign-ins with an owner token, which the gateway vouches for. Default: false. */
  readonly ownerTokens?: boolean;
  /** Refuses connections that the gateway can read (re-origination). Default: false. */
  readonly endToEndOnly?: boolean;
  /** Runs instead of the user's login shell. */
  readonly shell: string | undefined;
  /** Where sessions start, instead of the home directory. */
  readonly cwd: string | undefined;
  readonly log: Log;
  /** Default: this process's environment. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Soft limit of open files for sessions. Default: what this program was started with. */
  readonly openFiles?: number | undefined;
  readonly limits?: Partial<HostLimits>;
}

interface HostLimits {
  readonly loginTimeoutMs: number;
  /**
   * Connections that are not signed in yet, shared by account and address of the clients as the gateway names them. One that
   * takes no step for `stalledLoginMs` may lose its slot to a newcomer.
   */
  readonly pendingLogins: number;
  readonly stalledLoginMs: number;
  /**
   * An idle client is asked for a sign of life this often, and dropped after six unanswered ones: later than a resumable
   * stream that has lost its connection is given up.
   */
  readonly keepaliveMs: number;
  readonly keyExchange: KeyExchangeLimits;
}

const HOST_LIMITS: HostLimits = {
  loginTimeoutMs: 30_000,
  pendingLogins: 100,
  stalledLoginMs: 200,
  keepaliveMs: 60_000,
  keyExchange: KEY_EXCHANGE_LIMITS,
};
const UNANSWERED_KEEPALIVES = 6;

export interface StreamInfo {
  readonly address: string;
  readonly account: string | null;
  readonly via: StreamVia;
}

export interface HostSshServer {
  /** Serves SSH on any byte stream. */
  accept(stream: Duplex, info: StreamInfo): void;
  /** How many connections are open, including those that are not signed in yet. */
  readonly connections: number;
  /** Ends all connections; resolves when their streams are closed. */
  close(): Promise<void>;
}

/** @throws Error if a host key cannot be read */
export function createHostSshServer(options: HostSshServerOptions): HostSshServer {
  const limits = { ...HOST_LIMITS, ...options.limits };
  const { log } = options;
  const environment = options.environment ?? process.env;
  const user = shellUser(options.shell, environment);
  const openFiles = "openFiles" in options ? options.openFiles : openFilesAtStart();
  const pipes = new PipeStock();
  const streams = new Map<Duplex, AcceptedStream>();
  const pending = new FairSlots({
    total: limits.pendingLogins,
    perHolder: Math.ceil(limits.pendingLogins / 2),
    stalledMs: limits.stalledLoginMs,
  });
  let closing = false;

  const server = new ssh2.Server({
    hostKeys: [...options.hostKeys],
    algorithms: SERVER_ALGORITHMS,
    ident: IDENTIFICATION,
    keepaliveInterval: limits.keepaliveMs,
    keepaliveCountMax: UNANSWERED_KEEPALIVES,
  });

  server.on("connection", (client) => {
    const stream = streamOf(client);
    const accepted = streams.get(stream);
    if (accepted === undefined) return void client.end();
    const { info, slot } = accepted;
    slot.moved();
    client.once("handshake", () => slot.moved());
    accepted.connection = new ClientConnection(client, stream, {
      anyone: options.anyone,
      allowed: (key) => options.allowed.allowed(key, info.address),
      gatewayKeys: options.gatewayKeys ?? (() => []),
      gatewayTime: options.gatewayTime ?? (() => undefined),
      ownerTokens: options.ownerTokens ?? false,
      via: info.via,
      onSignedIn: () => {
        clearTimeout(accepted.loginTimer);
        slot.leave();
      },
      peer: `${info.address} (${info.via})`,
      address: info.address,
      user,
      cwd: options.cwd,
      hostEnvironment: environment,
      openFiles,
      log,
      pipes,
      keyExchange: limits.keyExchange,
      serveSftp: (channel, sftp) => startSftp(channel, { ...sftp, log }),
    });
    if (options.endToEndOnly === true && info.via === "session") {
      accepted.connection.end("This workspace takes end-to-end connections only: use ssh -J.");
    }
  });

  const stopWatching = options.allowed.onChange(() => {
    for (const { connection, info } of streams.values()) {
      if (connection !== undefined) checkAgain(connection, options, info.address);
    }
  });

  return {
    accept(stream, info) {
      const slot = closing
        ? "stopping"
        : pending.enter(holdersOf(info), () => {
            log.info(
              `${info.address} (${info.via}): evicted before it signed in, to make room for a newcomer`,
            );
            stream.destroy();
          });
      if (typeof slot === "string") {
        log.warn(
          `refused a connection from ${info.address}: ${slot === "stopping" ? slot : "too many connections wait for sign-in"}`,
        );
        stream.destroy();
        return;
      }
      const loginTimer = setTimeout(() => {
        log.info(`${info.address} (${info.via}): not signed in within ${limits.loginTimeoutMs / 1000} s`);
        const { connection } = accepted;
        if (connection === undefined) stream.destroy();
        else connection.end("Sign-in took too long.");
      }, limits.loginTimeoutMs);
      const accepted: AcceptedStream = { info, slot, loginTimer, connection: undefined };
      streams.set(stream, accepted);
      // Errors reach ssh2 as well, which reports them; a stream that only ends is closed here.
      stream.on("error", () => stream.destroy());
      stream.once("end", () => stream.end());
      stream.once("close", () => {
        clearTimeout(loginTimer);
        streams.delete(stream);
        slot.leave();
        accepted.connection?.close();
      });
      // Done in advance, while the client signs in.
      pipes.fill();
      injectStream(server, stream);
    },
    get connections() {
      return streams.size;
    },
    async close() {
      closing = true;
      stopWatching();
      const closed = [...streams].map(([stream, { connection }]) => {
        const done = new Promise<void>((resolve) => stream.once("close", () => resolve()));
        if (connection === undefined) stream.destroy();
        else connection.end("The host is stopping.");
        return done;
      });
      await Promise.all(closed);
      pipes.close();
    },
  };
}

/** The holders that a connection counts against. An IPv6 address counts as its /64, which is what one customer has. */
function holdersOf({ account, address }: StreamInfo): string[] {
  const by = `address ${addressBlock(address)}`;
  return account === null ? [by] : [by, `account ${account}`];
}

interface AcceptedStream {
  readonly info: StreamInfo;
  /** Among connections that are not signed in. */
  readonly slot: Slot;
  readonly loginTimer: NodeJS.Timeout;
  /** undefined until the client has sent its identification. */
  connection: ClientConnection | undefined;
}

/** Ends a connection whose key is no longer allowed, or whose permissions have changed. */
function checkAgain(connection: ClientConnection, options: HostSshServerOptions, address: string): void {
  const { key, grant } = connection;
  if (key === undefined || grant === undefined) return;
  const now = options.allowed.allowed(key, address);
  if (now === undefined) connection.end(`The key ${grant.fingerprint} is no longer allowed.`);
  else if (!isDeepStrictEqual(now.permissions, grant.permissions)) {
    connection.end(`The permissions of the key ${grant.fingerprint} have changed: connect again.`);
  }
}

/** The SFTP server is loaded at the first transfer: most connections have none. */
function startSftp(channel: Channel, options: SftpOptions): void {
  import("../sftp/server.ts").then(
    ({ serveSftp }) => serveSftp(channel, options),
    (error: unknown) => {
      options.log.error(`sftp does not start: ${error instanceof Error ? error.message : String(error)}`);
      channel.destroy();
    },
  );
}
