// Dials back to the gateway: one WebSocket for each client that the gateway announces, and one in advance (standby) so
// that the next client does not wait for a dial.

import type { Duplex } from "node:stream";
import type { WebSocket } from "ws";
import type { OpenMessage } from "../../../protocol/control.ts";
import type { Responder } from "../../../protocol/resume/responder.ts";
import {
  type DataSubprotocol,
  type GatewayUrl,
  PATHS,
  SUBPROTOCOL,
} from "../../../protocol/values/gateway-url.ts";
import { webSocketStream } from "../../../protocol/web-socket/web-socket.ts";
import type { Log } from "../../platform/log.ts";
import { dialWebSocket } from "../../platform/network/dial-web-socket.ts";
import type { Network } from "../../platform/network/network.ts";
import { StandbyStream } from "./standby-stream.ts";

export interface StreamOptions {
  readonly gateway: GatewayUrl;
  /** Proxies and trusted certificates. */
  readonly network?: Network | undefined;
  readonly log: Log;
  readonly onStream: (stream: Duplex, request: OpenMessage) => void;
  /** Keeps streams when their connections, or this link, are lost. Missing: each stream ends with its connection. */
  readonly responder?: Responder;
}

/** Dials under way at once: more are refused, so that a flood cannot take all of the machine's sockets. */
const MAX_DIALLING = 64;
/** Streams dialled in advance: the one that waits, and some that are being replaced. */
const MAX_STANDBYS = 4;

export class StreamDialler {
  readonly #options: StreamOptions;
  readonly #signal: AbortSignal;
  readonly #refuse: (streamToken: string, message: string) => void;
  /** By stream token. */
  readonly #standbys = new Map<string, StandbyStream>();
  #dialling = 0;

  /** `signal` ends dials that are under way. `refuse` tells the gateway that a stream will not come. */
  constructor(
    options: StreamOptions,
    signal: AbortSignal,
    refuse: (streamToken: string, message: string) => void,
  ) {
    this.#options = options;
    this.#signal = signal;
    this.#refuse = refuse;
  }

  /** Brings the stream of one client: the one dialled in advance where the gateway names it, or a new one. */
  open(request: OpenMessage): void {
    const { log, onStream, responder } = this.#options;
    const standby = this.#standbys.get(request.stream);
    if (standby !== undefined) {
      this.#standbys.delete(request.stream);
      standby.take((socket) => this.#accept(socket, request));
      return;
    }
    if (this.#dialling >= MAX_DIALLING) {
      this.#refuse(request.stream, "The workspace is opening too many connections.");
      return;
    }
    this.#dialling++;
    const resumes = request.resume === true && responder !== undefined;
    this.#dial(request.stream, resumes ? SUBPROTOCOL.resume : SUBPROTOCOL.raw)
      .then((socket) => {
        if (resumes) return this.#accept(socket, request);
        const stream = webSocketStream(socket);
        // The SSH server listens from here on. Nobody is told of a stream that fails earlier.
        onStream(stream, request);
        socket.resume();
      })
      .catch((error: unknown) => {
        const why = error instanceof Error ? error.message : String(error);
        log.warn(`could not dial back for a connection from ${request.client.address}: ${why}`);
        this.#refuse(request.stream, "The workspace could not connect back to the gateway.");
      })
      .finally(() => {
        this.#dialling--;
      });
  }

  /** Dials a stream in advance. The gateway is not told of a failure: it asks again when it needs one. */
  standby(streamToken: string): void {
    const { log } = this.#options;
    if (this.#standbys.size >= MAX_STANDBYS) return;
    const standby = new StandbyStream(() => this.#standbys.delete(streamToken));
    this.#standbys.set(streamToken, standby);
    this.#dial(streamToken, SUBPROTOCOL.resume).then(
      (socket) => standby.keep(socket),
      (error: unknown) => {
        this.#standbys.delete(streamToken);
        log.debug(`no stream in advance: ${error instanceof Error ? error.message : String(error)}`);
      },
    );
  }

  /** Closes the streams that nobody has taken. */
  end(): void {
    for (const standby of this.#standbys.values()) standby.end();
  }

  #dial(streamToken: string, subprotocol: DataSubprotocol): Promise<WebSocket> {
    const { gateway, network } = this.#options;
    return dialWebSocket({
      gateway,
      path: PATHS.stream,
      subprotocols: [subprotocol],
      token: streamToken,
      signal: this.#signal,
      network,
    });
  }

  #accept(socket: WebSocket, request: OpenMessage): void {
    const { onStream, responder } = this.#options;
    const { account } = request.client;
    responder?.accept(socket, `${request.via} ${account ?? ""}`, (stream) => onStream(stream, request));
  }
}
