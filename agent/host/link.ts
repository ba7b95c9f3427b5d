// The host's side of its link: one control connection to the gateway, kept for as long as the host lives. Registers,
// hands on pushed keys, and dials one WebSocket back for each stream that the gateway asks for.

import type { Duplex } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import type { WebSocket } from "ws";
import { backoff } from "../../protocol/backoff.ts";
import {
  type ChallengeMessage,
  CONTROL_VERSION,
  type GatewayMessage,
  type HostMessage,
  hostKeyPayload,
  type OpenMessage,
  type PushedKey,
  parseGatewayMessage,
  type RegisteredMessage,
  registrationPayload,
  TAKES_PROOFS,
} from "../../protocol/control.ts";
import { ControlLine } from "../../protocol/control-line.ts";
import { CLOSE, type ErrorCode, isErrorCode, isFinal, ProtocolError } from "../../protocol/errors.ts";
import { DEAD_AFTER_MS, PING_INTERVAL_MS, REGISTER_TIMEOUT_MS } from "../../protocol/limits.ts";
import type { Responder } from "../../protocol/resume/responder.ts";
import type { BrowserUrl } from "../../protocol/values/browser-url.ts";
import type { Folder } from "../../protocol/values/folder.ts";
import {
  type DataSubprotocol,
  type GatewayUrl,
  PATHS,
  SUBPROTOCOL,
} from "../../protocol/values/gateway-url.ts";
import { parseWorkspaceId } from "../../protocol/values/id.ts";
import type { Name } from "../../protocol/values/name.ts";
import { formatPublicKey } from "../../protocol/values/ssh-public-key.ts";
import { webSocketStream } from "../../protocol/web-socket/web-socket.ts";
import { CommandError } from "../platform/command-error.ts";
import type { Log } from "../platform/log.ts";
import { dialWebSocket } from "../platform/network/dial-web-socket.ts";
import type { Network } from "../platform/network/network.ts";
import { stageOf } from "../platform/stage.ts";
import type { GatewayClock } from "./gateway-clock.ts";
import type { HostIdentity, HostKey } from "./identity.ts";
import { StandbyStream } from "./standby-stream.ts";

export interface LinkOptions {
  readonly gateway: GatewayUrl;
  /** Read anew for each attempt, so that a renewed token is picked up. undefined: register openly. */
  readonly token: () => Promise<string | undefined>;
  readonly identity: HostIdentity;
  readonly name: Name;
  readonly endToEndOnly: boolean;
  readonly ownerTokens: boolean;
  readonly browserUrl?: BrowserUrl | undefined;
  readonly folder?: Folder | undefined;
  readonly agent: string;
  readonly log: Log;
  /** Is set with each registration. Missing: the time there stays unknown. */
  readonly clock?: GatewayClock | undefined;
  /** Proxies and trust. */
  readonly network?: Network | undefined;
  readonly onRegistered: (message: RegisteredMessage) => void;
  readonly onKeys: (keys: PushedKey[]) => void;
  /** The keys of the gateway that has just accepted the registration, authorized_keys form: who may vouch for people. */
  readonly onGatewayKeys: (keys: readonly string[]) => void;
  readonly onStream: (stream: Duplex, request: OpenMessage) => void;
  /** Keeps streams across the loss of their connections, and of this link. Missing: each ends with its connection. */
  readonly responder?: Responder;
}

/** Dial-backs under way at once: more are refused, so that a flood cannot take the machine's sockets. */
const MAX_DIALLING = 64;
/** Streams dialled in advance: one, and those that are being replaced. */
const MAX_STANDBYS = 4;
/** A gateway asks for as many streams as people come; what the host owes it is small. */
const LINE = { maxWaiting: 1024 * 1024, burst: 4_000, perSecond: 500 } as const;
/** After a refusal that a person has to mend, tries go on at this pace. */
const REFUSED_RETRY_MS = 60_000;
/** While the workspace's owner has not said yet whether this host's key is right. */
const HELD_RETRY_MS = 10_000;

/**
 * Holds the link until `signal` is aborted; then returns.
 * @throws CommandError when the first registration is refused for good, or when the gateway says that another host has
 *   taken this identity (`fenced`) or that the workspace was deleted
 */
export async function holdLink(options: LinkOptions, signal: AbortSignal): Promise<void> {
  const { log } = options;
  let everRegistered = false;
  let failures = 0;
  let told = "";
  while (!signal.aborted) {
    const attempt = new Attempt(options, signal, () => {
      everRegistered = true;
      failures = 0;
    });
    let reason: unknown;
    try {
      reason = await attempt.run();
    } catch (error) {
      reason = error;
    }
    if (signal.aborted) return;
    const code = codeOf(reason);
    const final = code !== undefined && isFinal(code);
    if (code === "fenced" || (everRegistered && code === "workspace_unknown")) throw reason;
    if (final && !everRegistered) throw reason;
    failures++;
    const why = reason instanceof Error ? reason.message : String(reason);
    let wait = final ? REFUSED_RETRY_MS : backoff(failures, Math.random());
    if (code === "host_key_held") {
      wait = HELD_RETRY_MS;
      // Once: nothing is new until somebody has decided.
      if (why !== told) log.warn(`not registered at ${options.gateway}: ${why}`);
    } else {
      log.warn(
        `the link to ${options.gateway} is down (${why}); trying again in ${(wait / 1000).toFixed(1)} s`,
      );
    }
    told = why;
    // Aborting is the way out of the wait, not a failure.
    await delay(wait, undefined, { signal }).catch(() => undefined);
  }
}

function codeOf(reason: unknown): ErrorCode | undefined {
  return reason instanceof CommandError && isErrorCode(reason.code) ? reason.code : undefined;
}

/** One control connection, from the dial to its end. */
class Attempt {
  readonly #options: LinkOptions;
  readonly #signal: AbortSignal;
  readonly #onUp: () => void;
  #token: string | undefined;
  #dialling = 0;
  readonly #standbys = new Map<string, StandbyStream>();
  #lastHeard = Date.now();

  constructor(options: LinkOptions, signal: AbortSignal, onUp: () => void) {
    this.#options = options;
    this.#signal = signal;
    this.#onUp = onUp;
  }

  /** Resolves with the reason why the connection ended; rejects where it did not come about or was refused. */
  async run(): Promise<unknown> {
    this.#token = await this.#options.token();
    const socket = await dialWebSocket({
      gateway: this.#options.gateway,
      path: PATHS.link,
      subprotocols: [SUBPROTOCOL.control],
      token: this.#token,
      signal: this.#signal,
      network: this.#options.network,
      headers: () => this.#options.clock?.headers() ?? {},
      onAnswer: (headers) => this.#options.clock?.answered(headers),
    });
    const line = new ControlLine<HostMessage>(socket, LINE);
    return await new Promise((resolve, reject) => {
      let registered = false;
      let hasEnded = false;
      let gatewayKeys: readonly string[] = [];
      const end = (): void => {
        for (const standby of this.#standbys.values()) standby.end();
        clearTimeout(deadline);
        clearInterval(pings);
        this.#signal.removeEventListener("abort", onAbort);
      };
      const fail = (error: unknown): void => {
        end();
        reject(error);
        hasEnded = true;
        socket.close(CLOSE.normal);
        setTimeout(() => socket.terminate(), 1_000).unref();
      };
      const onAbort = (): void => fail(this.#signal.reason);
      this.#signal.addEventListener("abort", onAbort, { once: true });
      const deadline = setTimeout(() => {
        fail(new CommandError("http", "ETIMEDOUT", "the gateway did not accept the registration in time"));
      }, REGISTER_TIMEOUT_MS);
      const pings = setInterval(() => {
        if (Date.now() - this.#lastHeard > DEAD_AFTER_MS) {
          fail(new CommandError("tunnel", "ETIMEDOUT", "nothing heard from the gateway for too long"));
        } else {
          line.send({ type: "ping" });
        }
      }, PING_INTERVAL_MS);
      socket.on("error", (error) =>
        fail(new CommandError("tunnel", "EFAILED", error.message, { cause: error })),
      );
      socket.on("close", (code, reason) => {
        end();
        resolve(
          new CommandError("tunnel", `CLOSED_${code}`, `the gateway closed it: ${reason.toString() || code}`),
        );
      });
      socket.on("message", (data, isBinary) => {
        // What is left of a read whose beginning has ended the link.
        if (hasEnded) return;
        this.#lastHeard = Date.now();
        try {
          if (isBinary || !Buffer.isBuffer(data))
            throw new ProtocolError("bad_message", "Control messages are text.");
          line.received(data.length);
          const message = parseGatewayMessage(data.toString());
          if (message.type === "challenge" && !registered) {
            gatewayKeys = message.gatewayKeys;
            line.send(this.#register(message));
          } else if (message.type === "registered" && !registered) {
            registered = true;
            clearTimeout(deadline);
            this.#onUp();
            this.#options.onGatewayKeys(gatewayKeys);
            this.#options.onKeys(message.keys);
            this.#options.onRegistered(message);
          } else {
            this.#receive(line, message, fail);
          }
        } catch (error) {
          fail(error);
        }
      });
      socket.resume();
    });
  }

  #register(challenge: ChallengeMessage): HostMessage {
    const { identity, gateway, name, browserUrl, folder } = this.#options;
    const [gatewayKey] = challenge.gatewayKeys;
    if (gatewayKey === undefined) throw new ProtocolError("bad_message", "The gateway named no key.");
    const firstKey = keyLine(identity);
    // A gateway of before publishes what it is told without a proof, and refuses one.
    const takesProofs = challenge.version >= TAKES_PROOFS;
    const further = takesProofs ? identity.furtherKeys : [];
    const payload = hostKeyPayload(challenge.nonce, gatewayKey, firstKey);
    return {
      type: "register",
      version: CONTROL_VERSION,
      name,
      workspaceId: identity.workspaceId(gateway, name),
      hostKeys: [firstKey, ...further.map(keyLine)],
      signature: identity.sign(registrationPayload(challenge.nonce, gatewayKey)).toString("base64"),
      // Said where there is none to prove as well: it tells the gateway how old this host is.
      ...(takesProofs ? { proofs: further.map((key) => key.sign(payload).toString("base64")) } : {}),
      agent: this.#options.agent,
      endToEndOnly: this.#options.endToEndOnly,
      ownerTokens: this.#options.ownerTokens,
      standby: this.#options.responder !== undefined,
      ...(browserUrl === undefined ? {} : { browserUrl }),
      ...(folder === undefined ? {} : { folder }),
    };
  }

  #receive(line: ControlLine<HostMessage>, message: GatewayMessage, fail: (error: unknown) => void): void {
    switch (message.type) {
      case "open":
        this.#dialBack(line, message);
        break;
      case "standby":
        this.#dialStandby(message.stream);
        break;
      case "keys":
        this.#options.onKeys(message.keys);
        break;
      case "ping":
        line.send({ type: "pong" });
        break;
      case "pong":
        break;
      case "goaway":
        fail(new CommandError("tunnel", "GOAWAY", message.reason));
        break;
      case "error":
        fail(new CommandError(stageOf(message.code), message.code, message.message));
        break;
      default:
        throw new ProtocolError("bad_message", `The gateway sent ${message.type} out of turn.`);
    }
  }

  /** Nothing is told where it fails: the gateway asks again for what it needs. */
  #dialStandby(token: string): void {
    const { log } = this.#options;
    if (this.#standbys.size >= MAX_STANDBYS) return;
    const standby = new StandbyStream(() => this.#standbys.delete(token));
    this.#standbys.set(token, standby);
    this.#dialStream(token, SUBPROTOCOL.resume).then(
      (dialled) => standby.keep(dialled),
      (error: unknown) => {
        this.#standbys.delete(token);
        log.debug(`no stream in advance: ${error instanceof Error ? error.message : String(error)}`);
      },
    );
  }

  #dialStream(token: string, subprotocol: DataSubprotocol): Promise<WebSocket> {
    const { gateway, network } = this.#options;
    const subprotocols = [subprotocol];
    return dialWebSocket({ gateway, path: PATHS.stream, subprotocols, token, signal: this.#signal, network });
  }

  #accept(dialled: WebSocket, request: OpenMessage): void {
    const { onStream, responder } = this.#options;
    const { account } = request.client;
    responder?.accept(dialled, `${request.via} ${account ?? ""}`, (stream) => onStream(stream, request));
  }

  #dialBack(line: ControlLine<HostMessage>, request: OpenMessage): void {
    const { log, onStream } = this.#options;
    const standby = this.#standbys.get(request.stream);
    if (standby !== undefined) {
      this.#standbys.delete(request.stream);
      standby.take((dialled) => this.#accept(dialled, request));
      return;
    }
    if (this.#dialling >= MAX_DIALLING) {
      line.send({
        type: "refuse",
        stream: request.stream,
        message: "The workspace is opening too many connections.",
      });
      return;
    }
    this.#dialling++;
    const resumes = request.resume === true && this.#options.responder !== undefined;
    this.#dialStream(request.stream, resumes ? SUBPROTOCOL.resume : SUBPROTOCOL.raw)
      .then((dialled) => {
        if (resumes) return this.#accept(dialled, request);
        const stream = webSocketStream(dialled);
        // The SSH server listens from here on; a stream that fails before is gone without a trace.
        onStream(stream, request);
        dialled.resume();
      })
      .catch((error: unknown) => {
        const why = error instanceof Error ? error.message : String(error);
        log.warn(`a connection from ${request.client.address} could not be dialled back: ${why}`);
        line.send({
          type: "refuse",
          stream: request.stream,
          message: "The workspace could not dial back.",
        });
      })
      .finally(() => {
        this.#dialling--;
      });
  }
}

function keyLine({ publicKey }: HostKey): string {
  return formatPublicKey({ ...publicKey, comment: "" });
}

/** The id that the gateway gave, checked. */
export function registeredId(message: RegisteredMessage): ReturnType<typeof parseWorkspaceId> {
  return parseWorkspaceId(message.workspace.id);
}
