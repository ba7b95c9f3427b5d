// Re-origination. The client's SSH connection ends at the gateway, which opens a second one to the host. It
// signs in there with a certificate that names the client, and then relays packets between the two: a relayed
// connection.

import { ProtocolError } from "../../../protocol/errors.ts";
import { type CertifiedPerson, issueGatewayCertificate } from "../../../protocol/ssh/gateway-certificate.ts";
import { IDENTIFICATION } from "../../../protocol/ssh/identification.ts";
import { DISCONNECT } from "../../../protocol/ssh/message-numbers.ts";
import { type OriginatedConnection, OriginateError, originate } from "../../../protocol/ssh/ssh2/client.ts";
import type { PacketReceiver, PacketTransport } from "../../../protocol/ssh/ssh2/transport.ts";
import type { TokenId } from "../../../protocol/values/id.ts";
import { parsePublicKey } from "../../../protocol/values/ssh-public-key.ts";
import type { Link } from "../../link/link.ts";
import { openHostStream, type Relink } from "../../link/streams/host-stream.ts";
import { PacketRelay, type RelayEnd } from "./packet-relay.ts";
import { SideEnd } from "./side-end.ts";

export interface ReoriginationOptions {
  readonly link: Link;
  /**
   * How to find the host again after its link was cut. undefined: an upterm session, which ends with its
   * link.
   */
  readonly again: Relink | undefined;
  readonly client: PacketTransport;
  /** Messages that the client has already sent. */
  readonly first: readonly Buffer[];
  /** The user name to sign in with at the host. */
  readonly userName: string;
  /** The client's address. */
  readonly address: string;
  /** The client's version line, such as `SSH-2.0-OpenSSH_9.2`. */
  readonly clientVersion: string;
  /**
   * What the host is told of the person. `publicKey` is an authorized_keys line; `account` is empty if there
   * is none.
   */
  readonly person:
    | { readonly kind: "key"; readonly publicKey: string; readonly account: string }
    | { readonly kind: "owner-token"; readonly tokenId: TokenId; readonly expiresAt: Date };
  /** The gateway's private Ed25519 host key in OpenSSH's text form. */
  readonly signingKey: string;
  /** Aborted when the client's connection has ended. */
  readonly signal: AbortSignal;
}

export interface RelayedConnection {
  /** Receives the client's packets. */
  readonly receiver: PacketReceiver;
  /** Never rejects. Resolves when all output has been sent to the client, or can no longer be sent. */
  readonly ended: Promise<RelayEnd>;
  close(reason: string): void;
}

/** How much of the client's messages may wait for the host. */
const MAX_QUEUED_BYTES = 256 * 1024;

/**
 * Returns at once. Until the host is connected the client's packets wait, and beyond a limit the client is
 * not read.
 */
export function reoriginate(options: ReoriginationOptions): RelayedConnection {
  return new Reorigination(options);
}

type State =
  | {
      readonly kind: "connecting";
      readonly queue: { payload: Buffer; received: number }[];
      bytes: number;
      paused: boolean;
    }
  | { readonly kind: "relaying"; readonly relay: PacketRelay }
  | { readonly kind: "failed" };

class Reorigination implements RelayedConnection {
  readonly #options: ReoriginationOptions;
  readonly #stop = new AbortController();
  readonly #clientEnd: SideEnd;
  readonly receiver: PacketReceiver;
  readonly ended: Promise<RelayEnd>;
  #resolve: (end: Promise<RelayEnd>) => void = () => {};
  #state: State = { kind: "connecting", queue: [], bytes: 0, paused: false };

  constructor(options: ReoriginationOptions) {
    this.#options = options;
    this.#clientEnd = new SideEnd(options.client);
    this.receiver = this.#clientReceiver();
    this.ended = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    for (const payload of options.first) this.#receive(payload);
    const { signal } = options;
    const aborted = () => this.close(signal.reason instanceof Error ? signal.reason.message : "closed");
    if (signal.aborted) aborted();
    else signal.addEventListener("abort", aborted, { once: true });
    this.#connect().catch((error: unknown) => this.#fail(sentence(error)));
  }

  close(reason: string): void {
    if (this.#state.kind === "relaying") this.#state.relay.close(reason);
    else this.#fail(reason);
  }

  async #connect(): Promise<void> {
    const { link, userName, address, person, signingKey } = this.#options;
    const account = person.kind === "key" && person.account !== "" ? person.account : null;
    const asked = { via: "session", client: { address, account } } as const;
    const stream = await openHostStream(link, asked, this.#options.again);
    const issued = issueGatewayCertificate(
      this.#person(),
      signingKey,
      userName,
      `gateway session from ${address}`,
      new Date(),
    );
    await originate(stream, {
      ...issued,
      userName,
      hostKeys: link.hostKeys,
      identification: IDENTIFICATION,
      signal: this.#stop.signal,
      signedIn: (host) => this.#join(host),
      receiver: this.#hostReceiver(),
    });
  }

  #person(): CertifiedPerson {
    const { person, address, clientVersion } = this.#options;
    const proof =
      person.kind === "key" ? { kind: person.kind, publicKey: parsePublicKey(person.publicKey) } : person;
    return { proof, address, clientVersion };
  }

  #join(host: OriginatedConnection): void {
    const state = this.#state;
    if (state.kind !== "connecting") {
      host.transport.destroy();
      return;
    }
    const { client } = this.#options;
    const relay = new PacketRelay({ transport: client, answersPing: true }, host);
    this.#state = { kind: "relaying", relay };
    this.#resolve(relay.ended);
    if (state.paused) client.resume();
    for (const { payload, received } of state.queue) relay.client.receive(payload, received);
  }

  /** Tells the client why, and ends the connection. */
  #fail(reason: string): void {
    if (this.#state.kind !== "connecting") return;
    this.#state = { kind: "failed" };
    this.#stop.abort(new Error(reason));
    this.#resolve(this.#clientEnd.gone.then(() => ({ bytesIn: 0, bytesOut: 0, reason })));
    this.#clientEnd.begin(DISCONNECT.byApplication, reason);
  }

  #receive(payload: Buffer): void {
    const state = this.#state;
    if (state.kind === "relaying") state.relay.client.receive(payload);
    if (state.kind !== "connecting") return;
    // With its number, since the client may have to be told later that the host does not know this message.
    state.queue.push({ payload, received: this.#options.client.received });
    state.bytes += payload.length;
    if (state.bytes < MAX_QUEUED_BYTES || state.paused) return;
    state.paused = true;
    this.#options.client.pause();
  }

  get #relay(): PacketRelay | undefined {
    return this.#state.kind === "relaying" ? this.#state.relay : undefined;
  }

  #clientReceiver(): PacketReceiver {
    const left = () => this.#fail("the client left");
    return {
      receive: (payload) => this.#receive(payload),
      drain: () => {
        this.#relay?.client.drain();
        this.#clientEnd.drain();
      },
      exchangingKeys: (begun) => {
        this.#relay?.client.exchangingKeys?.(begun);
        if (!begun) this.#clientEnd.drain();
      },
      unimplemented: (sequence) => this.#relay?.client.unimplemented?.(sequence),
      disconnected: (reason, description) => {
        if (this.#relay === undefined) left();
        else this.#relay.client.disconnected?.(reason, description);
      },
      ended: () => {
        this.#clientEnd.ended();
        if (this.#relay === undefined) left();
        else this.#relay.client.ended?.();
      },
    };
  }

  #hostReceiver(): PacketReceiver {
    return {
      receive: (payload) => this.#relay?.host.receive(payload),
      drain: () => this.#relay?.host.drain(),
      exchangingKeys: (begun) => this.#relay?.host.exchangingKeys?.(begun),
      unimplemented: (sequence) => this.#relay?.host.unimplemented?.(sequence),
      disconnected: (reason, description) => this.#relay?.host.disconnected?.(reason, description),
      ended: () => this.#relay?.host.ended?.(),
    };
  }
}

/** What the client reads. */
function sentence(error: unknown): string {
  if (error instanceof OriginateError) {
    // For hosts of earlier versions, which do not learn the gateway's time.
    const hint =
      error.step === "sign-in"
        ? " The host's log says why. One possible reason is a clock there that is off by a minute or more."
        : "";
    return `The gateway cannot connect to the workspace's host (${error.step}): ${error.message}.${hint}`;
  }
  if (error instanceof ProtocolError) return error.message;
  return "The gateway cannot connect to the workspace's host.";
}
