// A connection to the SSH port that is not signed in yet: its time limits, its slot, and its offences. After
// the sign-in only `end` is still used.

import type { Duplex } from "node:stream";
import type { Connection as Ssh2Connection } from "ssh2";
import { endThenDestroy } from "../../../protocol/flow/end-then-destroy.ts";
import { DISCONNECT } from "../../../protocol/ssh/message-numbers.ts";
import { disconnect } from "../../../protocol/ssh/ssh2/server-connection.ts";
import type { UptermFront } from "../upterm-front.ts";
import type { Offence } from "./admission.ts";

interface PendingOutcome {
  /** It is no longer pending. */
  left(): void;
  /** The client took a step towards its sign-in. */
  moved(): void;
  offended(offence: Offence): void;
}

export class PendingConnection {
  readonly address: string;
  readonly #stream: Duplex;
  readonly #outcome: PendingOutcome;
  readonly #versionTimer: NodeJS.Timeout;
  readonly #loginTimer: NodeJS.Timeout;
  /** The last step that the client has taken. */
  #station: "version" | "keys" | "sign-in" = "version";
  #isPending = true;
  /** An offence was counted against its address, so merely leaving is not another one. */
  #hasOffended = false;
  #end: ((reason: string) => void) | undefined;

  constructor(
    stream: Duplex,
    address: string,
    limits: { readonly versionMs: number; readonly loginMs: number },
    outcome: PendingOutcome,
  ) {
    this.#stream = stream;
    this.address = address;
    this.#outcome = outcome;
    this.#versionTimer = setTimeout(() => this.#late(), limits.versionMs);
    this.#loginTimer = setTimeout(() => this.#late(), limits.loginMs);
  }

  versionReceived(): void {
    clearTimeout(this.#versionTimer);
    this.#outcome.moved();
  }

  keyExchangeBegun(): void {
    this.#station = "keys";
  }

  serviceAsked(): void {
    this.#station = "sign-in";
  }

  keysExchanged(): void {
    this.#outcome.moved();
  }

  /** Sets the function that ends the connection from now on and tells the client why. */
  served(end: (reason: string) => void): void {
    this.#end = end;
  }

  signedIn(): void {
    if (!this.#isPending) return;
    this.#isPending = false;
    clearTimeout(this.#versionTimer);
    clearTimeout(this.#loginTimer);
    this.#outcome.left();
  }

  offend(offence: Offence): void {
    this.#hasOffended = true;
    this.#outcome.offended(offence);
  }

  end(reason: string): void {
    if (this.#end === undefined) this.#stream.destroy();
    else this.#end(reason);
  }

  /** The stream is closed. @param byUs the gateway closed it, so the client is not to blame */
  gone(byUs: boolean): void {
    if (!this.#isPending) return;
    if (!byUs && !this.#hasOffended) this.offend(this.#station === "keys" ? "scanned" : "left");
    this.signedIn();
  }

  serveUptermHost(ssh2: Ssh2Connection, identification: string, front: UptermFront): void {
    const stream = this.#stream;
    const closed = new AbortController();
    stream.once("close", () => closed.abort());
    let isOver = false;
    const end = (reason: string): void => {
      if (isOver) return;
      isOver = true;
      disconnect(ssh2, DISCONNECT.byApplication, reason);
      endThenDestroy(stream);
    };
    this.served(end);
    front.acceptHost({
      ssh2,
      stream,
      address: this.address,
      identification,
      signedIn: () => this.signedIn(),
      refused: () => this.offend("refused"),
      end,
      closed: closed.signal,
    });
  }

  #late(): void {
    this.offend("late");
    this.end("Sign-in took too long.");
  }
}
