// One connection to the SSH port, from the client's version line to its end. It owns the ssh2 connection,
// signs the client in, enforces the time limits, and hands everything after the sign-in to a passage.

import type { Duplex } from "node:stream";
import type { Connection as Ssh2Connection } from "ssh2";
import { endThenDestroy } from "../../protocol/flow/end-then-destroy.ts";
import { createKeyExchangeTimer, type KeyExchangeTimer } from "../../protocol/ssh/key-exchange-timer.ts";
import { DISCONNECT } from "../../protocol/ssh/message-numbers.ts";
import { isDisagreement } from "../../protocol/ssh/ssh2/key-exchange.ts";
import { disconnect, refuseMessage } from "../../protocol/ssh/ssh2/server-connection.ts";
import { sessionIdOf } from "../../protocol/ssh/ssh2/session-id.ts";
import {
  type PacketReceiver,
  type PacketTransport,
  takeOverConnection,
} from "../../protocol/ssh/ssh2/transport.ts";
import { message } from "../../protocol/ssh/wire.ts";
import { printable } from "../../protocol/values/printable.ts";
import { atTime } from "../deadline.ts";
import type { ConnectionContext } from "./connection-context.ts";
import { Passage } from "./passage/passage.ts";
import { createAuthentication } from "./sign-in/authentication.ts";
import type { SignedIn, SignInRefusal } from "./sign-in/sign-in.ts";

const USERAUTH_BANNER = 53;

/** The client, and what the port wants to know about its sign-in. */
interface SshClient {
  readonly address: string;
  /** Its version line, such as `SSH-2.0-OpenSSH_9.2`. */
  readonly version: string;
  keyExchangeBegun(): void;
  keysExchanged(): void;
  /** The client has asked to sign in. */
  serviceAsked(): void;
  signedIn(): void;
  refused(refusal: SignInRefusal, method: string): void;
  /** The two sides have no algorithm in common, or none that is safe. */
  disagreed(reason: string): void;
  /** The client has broken the SSH protocol before it signed in. */
  malformed(reason: string): void;
}

export class SshConnection implements PacketReceiver {
  readonly #ssh2: Ssh2Connection;
  readonly #stream: Duplex;
  readonly #client: SshClient;
  readonly #context: ConnectionContext;
  readonly #transport: PacketTransport;
  readonly #keyExchange: KeyExchangeTimer;
  readonly #over = new AbortController();
  #user = "";
  #hostKeyAlgorithm = "";
  #passage: Passage | undefined;
  #idle: NodeJS.Timeout | undefined;
  #cancelMaxAge: (() => void) | undefined;

  /** Must be constructed inside ssh2's `connection` event. */
  constructor(ssh2: Ssh2Connection, stream: Duplex, client: SshClient, context: ConnectionContext) {
    this.#ssh2 = ssh2;
    this.#stream = stream;
    this.#client = client;
    this.#context = context;
    this.#transport = takeOverConnection(ssh2, stream, this);
    this.#keyExchange = createKeyExchangeTimer(this.#transport, context.limits.keyExchange);
    this.#authenticate();
    ssh2.on("rekey", () => this.#keyExchange.exchanged());
    ssh2.once("handshake", (negotiated) => {
      this.#hostKeyAlgorithm = negotiated.serverHostKey ?? "";
      client.keysExchanged();
    });
    ssh2.on("error", (error) => {
      if (!this.isSignedIn && !this.#over.signal.aborted) {
        if (isDisagreement(error)) client.disagreed(error.message);
        else client.malformed(error.message);
      }
      this.close(error.message);
    });
    ssh2.once("close", () => this.close("the client left"));
  }

  get isSignedIn(): boolean {
    return this.#passage !== undefined;
  }

  /** Tells the client why, and closes. */
  end(reason: string, code: number = DISCONNECT.byApplication): void {
    if (this.#over.signal.aborted) return;
    disconnect(this.#ssh2, code, reason);
    this.close(reason);
  }

  /** `reason` is for the audit log. */
  close(reason: string): void {
    if (this.#over.signal.aborted) return;
    this.#over.abort(new Error(reason));
    clearTimeout(this.#idle);
    this.#cancelMaxAge?.();
    this.#keyExchange.stop();
    this.#passage?.close(reason);
    endThenDestroy(this.#stream);
  }

  receive(payload: Buffer): void {
    this.#moved();
    this.#passage?.receive(payload);
  }

  drain(): void {
    this.#moved();
    this.#passage?.drain();
  }

  exchangingKeys(begun: boolean): void {
    this.#passage?.exchangingKeys(begun);
  }

  unimplemented(sequence: number): void {
    this.#passage?.unimplemented(sequence);
  }

  keyExchangeBegun(): void {
    this.#client.keyExchangeBegun();
  }

  serviceAsked(): void {
    this.#client.serviceAsked();
  }

  disconnected(reason: number, description: string): void {
    this.#passage?.disconnected(reason, description);
  }

  ended(): void {
    if (this.#passage === undefined) this.close("the client left");
    else this.#passage.ended();
  }

  #moved(): void {
    this.#idle?.refresh();
    this.#keyExchange.moved();
  }

  #authenticate(): void {
    const { signIn, limits, log } = this.#context;
    const isOver = () => this.isSignedIn || this.#over.signal.aborted;
    let accepted: { signedIn: SignedIn; method: string } | undefined;
    const handle = createAuthentication(signIn, limits.authentication, {
      address: this.#client.address,
      get isOver() {
        return isOver();
      },
      over: this.#over.signal,
      signedIn: (signedIn, method) => {
        accepted = { signedIn, method };
      },
      refused: (refusal, method) => this.#client.refused(refusal, method),
      proved: (text) => {
        // The client leaves because it is done, which must not count as an offence.
        this.#client.signedIn();
        this.end(text);
      },
      tooMany: () => this.end("Too many authentication failures", DISCONNECT.noMoreAuthMethods),
      banner: (text) => this.#transport.send(message(USERAUTH_BANNER, `${printable(text, 2_000)}\r\n`, "")),
      failed: (error) => log.error({ err: error }, "a sign-in could not be decided"),
    });
    this.#ssh2.on("authentication", (request) => {
      this.#user = request.username;
      handle(request);
    });
    this.#ssh2.once("ready", () => {
      if (accepted !== undefined && !isOver()) this.#begin(accepted.signedIn, accepted.method);
    });
  }

  #begin(signedIn: SignedIn, method: string): void {
    const { idleTimeoutMs, maxAgeMs } = this.#context.limits;
    this.#client.signedIn();
    if (idleTimeoutMs !== null) this.#idle = setTimeout(() => this.end("Idle for too long."), idleTimeoutMs);
    if (maxAgeMs !== null) {
      const end = new Date(Date.now() + maxAgeMs);
      this.#cancelMaxAge = atTime(end, () => this.end("The longest time for one connection is over."));
    }
    this.#passage = new Passage(
      signedIn,
      {
        transport: this.#transport,
        address: this.#client.address,
        version: this.#client.version,
        userName: this.#user,
        method,
        hostKeyAlgorithm: this.#hostKeyAlgorithm,
        sessionId: () => sessionIdOf(this.#ssh2),
        refuseUnknown: () => refuseMessage(this.#ssh2),
        moved: () => this.#idle?.refresh(),
        end: (reason) => this.end(reason),
        close: (reason) => this.close(reason),
        over: this.#over.signal,
      },
      this.#context,
    );
  }
}
