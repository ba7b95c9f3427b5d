// One control connection of the host's link, from the dial to its end: registers the host, passes on the keys that the
// gateway pushes, and has a stream dialled for each client that the gateway announces.

import type { WebSocket } from "ws";
import {
  type GatewayMessage,
  type HostMessage,
  type PushedKey,
  parseGatewayMessage,
  type RegisteredMessage,
} from "../../../protocol/control.ts";
import { CLOSE, ProtocolError } from "../../../protocol/errors.ts";
import { ControlLine } from "../../../protocol/flow/control-line.ts";
import { DEAD_AFTER_MS, PING_INTERVAL_MS, REGISTER_TIMEOUT_MS } from "../../../protocol/limits.ts";
import { PATHS, SUBPROTOCOL } from "../../../protocol/values/gateway-url.ts";
import { CommandError } from "../../platform/command-error.ts";
import { dialWebSocket } from "../../platform/network/dial-web-socket.ts";
import { stageOf } from "../../platform/stage.ts";
import type { GatewayClock } from "./gateway-clock.ts";
import { type Registrant, registerMessage } from "./registration.ts";
import { StreamDialler, type StreamOptions } from "./stream-dialler.ts";

export interface LinkOptions extends Registrant, StreamOptions {
  /** Called for each dial, so that a renewed token is used. undefined: the host registers without an account. */
  readonly token: () => Promise<string | undefined>;
  /** Is set at each registration. Missing: the gateway's time stays unknown. */
  readonly clock?: GatewayClock | undefined;
  readonly onRegistered: (message: RegisteredMessage) => void;
  /** The link was lost or could not be made; it is tried again. */
  readonly onDown?: (why: string) => void;
  readonly onKeys: (keys: PushedKey[]) => void;
  /**
   * The keys (authorized_keys form) of the gateway that has just accepted the registration: they may sign certificates
   * for people.
   */
  readonly onGatewayKeys: (keys: readonly string[]) => void;
}

/** The gateway sends one message per client that connects; what the host has to answer is small. */
const LINE = { maxWaiting: 1024 * 1024, burst: 4_000, perSecond: 500 } as const;
/** How long the gateway has to answer our close before the connection is cut. */
const CLOSE_TIMEOUT_MS = 1_000;

/**
 * Dials the gateway, registers, and serves the connection until it ends. Always rejects, with the reason of the end:
 * a CommandError, a ProtocolError, or the reason of `signal`.
 * @param onRegistered is called once the gateway has accepted the registration
 */
export async function runControlConnection(
  options: LinkOptions,
  signal: AbortSignal,
  onRegistered: () => void,
): Promise<never> {
  const socket = await dialWebSocket({
    gateway: options.gateway,
    path: PATHS.link,
    subprotocols: [SUBPROTOCOL.control],
    token: await options.token(),
    signal,
    network: options.network,
    headers: () => options.clock?.headers() ?? {},
    onAnswer: (headers) => options.clock?.answered(headers),
  });
  return await new Promise((_, reject) => {
    new ControlConnection(socket, options, signal, { registered: onRegistered, ended: reject }).start();
  });
}

interface Listener {
  registered(): void;
  ended(reason: unknown): void;
}

class ControlConnection {
  readonly #socket: WebSocket;
  readonly #options: LinkOptions;
  readonly #signal: AbortSignal;
  readonly #listener: Listener;
  readonly #line: ControlLine<HostMessage>;
  readonly #streams: StreamDialler;
  readonly #deadline: NodeJS.Timeout;
  readonly #pings: NodeJS.Timeout;
  #state: "registering" | "registered" | "ended" = "registering";
  /** What the challenge named; authorized_keys form. */
  #gatewayKeys: readonly string[] = [];
  #lastHeard = Date.now();

  constructor(socket: WebSocket, options: LinkOptions, signal: AbortSignal, listener: Listener) {
    this.#socket = socket;
    this.#options = options;
    this.#signal = signal;
    this.#listener = listener;
    this.#line = new ControlLine<HostMessage>(socket, LINE);
    this.#streams = new StreamDialler(options, signal, (stream, message) => {
      this.#line.send({ type: "refuse", stream, message });
    });
    this.#deadline = setTimeout(() => {
      this.#fail(
        new CommandError("http", "ETIMEDOUT", "the gateway did not accept the registration in time"),
      );
    }, REGISTER_TIMEOUT_MS);
    this.#pings = setInterval(() => this.#ping(), PING_INTERVAL_MS);
  }

  start(): void {
    this.#signal.addEventListener("abort", this.#onAbort, { once: true });
    this.#socket.on("error", (error) =>
      this.#fail(new CommandError("tunnel", "EFAILED", error.message, { cause: error })),
    );
    this.#socket.on("close", (code, reason) => {
      const why = `the gateway closed it: ${reason.toString() || code}`;
      this.#end(new CommandError("tunnel", `CLOSED_${code}`, why));
    });
    this.#socket.on("message", (data, isBinary) => this.#receive(data, isBinary));
    this.#socket.resume();
  }

  readonly #onAbort = (): void => this.#fail(this.#signal.reason);

  #ping(): void {
    if (Date.now() - this.#lastHeard > DEAD_AFTER_MS) {
      this.#fail(
        new CommandError("tunnel", "ETIMEDOUT", `the gateway sent nothing for ${DEAD_AFTER_MS / 1000} s`),
      );
    } else {
      this.#line.send({ type: "ping" });
    }
  }

  #receive(data: unknown, isBinary: boolean): void {
    // What is left of a read whose beginning ended the connection.
    if (this.#state === "ended") return;
    this.#lastHeard = Date.now();
    try {
      if (isBinary || !Buffer.isBuffer(data)) {
        throw new ProtocolError("bad_message", "Control messages must be text.");
      }
      this.#line.received(data.length);
      this.#handle(parseGatewayMessage(data.toString()));
    } catch (error) {
      this.#fail(error);
    }
  }

  #handle(message: GatewayMessage): void {
    switch (message.type) {
      case "challenge":
        if (this.#state !== "registering") throw outOfTurn(message);
        this.#gatewayKeys = message.gatewayKeys;
        this.#line.send(registerMessage(message, this.#options, this.#options.responder !== undefined));
        break;
      case "registered":
        if (this.#state !== "registering") throw outOfTurn(message);
        this.#registered(message);
        break;
      case "open":
        this.#streams.open(message);
        break;
      case "standby":
        this.#streams.standby(message.stream);
        break;
      case "keys":
        this.#options.onKeys(message.keys);
        break;
      case "ping":
        this.#line.send({ type: "pong" });
        break;
      case "pong":
        break;
      case "goaway":
        this.#fail(new CommandError("tunnel", "GOAWAY", message.reason));
        break;
      case "error":
        this.#fail(new CommandError(stageOf(message.code), message.code, message.message));
        break;
      default:
        throw outOfTurn(message);
    }
  }

  #registered(message: RegisteredMessage): void {
    this.#state = "registered";
    clearTimeout(this.#deadline);
    this.#listener.registered();
    this.#options.onGatewayKeys(this.#gatewayKeys);
    this.#options.onKeys(message.keys);
    this.#options.onRegistered(message);
  }

  /** Ends the connection from this side. */
  #fail(reason: unknown): void {
    if (this.#state === "ended") return;
    this.#end(reason);
    this.#socket.close(CLOSE.normal);
    setTimeout(() => this.#socket.terminate(), CLOSE_TIMEOUT_MS).unref();
  }

  #end(reason: unknown): void {
    if (this.#state === "ended") return;
    this.#state = "ended";
    this.#streams.end();
    clearTimeout(this.#deadline);
    clearInterval(this.#pings);
    this.#signal.removeEventListener("abort", this.#onAbort);
    this.#listener.ended(reason);
  }
}

function outOfTurn({ type }: { readonly type: string }): ProtocolError {
  return new ProtocolError("bad_message", `The gateway sent ${type} out of turn.`);
}
