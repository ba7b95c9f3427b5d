// The passage of a signed-in connection: it either jumps to workspaces, end to end, or is relayed packet by
// packet to the workspace that its user name names. Where both are possible, the client's first message
// decides.

import { type ErrorCode, ProtocolError } from "../../../protocol/errors.ts";
import { Connection } from "../../../protocol/ssh/connection.ts";
import { MSG } from "../../../protocol/ssh/message-numbers.ts";
import type { PacketReceiver, PacketTransport } from "../../../protocol/ssh/ssh2/transport.ts";
import { WireReader } from "../../../protocol/ssh/wire.ts";
import { formatWorkspaceRef, parseWorkspaceRef } from "../../../protocol/values/name.ts";
import { relink } from "../../link/streams/host-stream.ts";
import type { ConnectionContext } from "../connection-context.ts";
import { type RelayedConnection, reoriginate } from "../re-origination/re-origination.ts";
import { reachableWorkspace } from "../sign-in/principal.ts";
import type { SignedIn } from "../sign-in/sign-in.ts";
import { parseUserName } from "../sign-in/user-name.ts";
import { GlobalRequests } from "./global-requests.ts";
import { createJump, jumpDestination } from "./jump.ts";
import { openJumpStream } from "./jump-stream.ts";
import { endToEndAdvice, type RelayTarget, relayTargetOf } from "./relay-target.ts";
import { SignedInConnection } from "./signed-in-connection.ts";
import { watchedTransport } from "./watched-transport.ts";

/** The client's connection, as a passage uses it. */
interface PassageClient {
  readonly transport: PacketTransport;
  readonly address: string;
  readonly version: string;
  /** As the client sent it. It may contain a token. */
  readonly userName: string;
  readonly method: string;
  readonly hostKeyAlgorithm: string;
  sessionId(): Buffer | undefined;
  refuseUnknown(): Uint8Array;
  /** To be called when bytes were sent to the client. */
  moved(): void;
  /** Tells the client why, and closes. */
  end(reason: string): void;
  close(reason: string): void;
  readonly over: AbortSignal;
}

type State =
  /** `waiting`: the messages so far, while the workspace that the first one names is looked up. */
  | { readonly kind: "undecided"; readonly target: RelayTarget; waiting: Buffer[] | undefined }
  | { readonly kind: "jump"; readonly channels: Connection }
  | { readonly kind: "relayed"; readonly relay: RelayedConnection }
  | { readonly kind: "over" };

export class Passage implements PacketReceiver {
  readonly #connection: SignedInConnection;
  readonly #client: PassageClient;
  readonly #context: ConnectionContext;
  readonly #transport: PacketTransport;
  readonly #requests: GlobalRequests;
  readonly #started = performance.now();
  #state: State;
  /** A jump does not depend on what the user name names. */
  #forgetTarget = (): void => {};

  constructor(signedIn: SignedIn, client: PassageClient, context: ConnectionContext) {
    this.#client = client;
    this.#context = context;
    this.#connection = new SignedInConnection(signedIn.principal, client.address, context, (reason) =>
      client.end(reason),
    );
    const requests = new GlobalRequests({
      announcement: context.announcement,
      hostKeyAlgorithm: client.hostKeyAlgorithm,
      sessionId: () => client.sessionId(),
      send: (reply) => client.transport.send(reply),
    });
    this.#requests = requests;
    this.#transport = watchedTransport(client.transport, {
      passes: (payload) => requests.mayPass(payload),
      sent: (payload, bytes) => {
        requests.sent(payload);
        if (this.#state.kind === "relayed") context.metrics.bytes("out", bytes);
        client.moved();
      },
    });
    const target = relayTargetOf(signedIn);
    this.#state =
      target === undefined
        ? { kind: "jump", channels: this.#newJump() }
        : { kind: "undecided", target, waiting: undefined };
    const reached = target?.reached ?? null;
    if (reached !== null) {
      this.#forgetTarget = this.#connection.signedInFor(reached, (reason) => client.end(reason));
    }
    this.#connection.audit("ssh.sign-in", {
      workspace: reached?.workspaceId,
      detail: client.method,
    });
    client.transport.send(context.announcement.announcement);
  }

  /** To be called once. `reason` is for the audit log. */
  close(reason: string): void {
    const state = this.#state;
    this.#state = { kind: "over" };
    if (state.kind === "jump") state.channels.close();
    if (state.kind === "relayed") state.relay.close(reason);
    this.#connection.left();
    this.#connection.audit("ssh.closed", { detail: reason, durationMs: performance.now() - this.#started });
  }

  receive(payload: Buffer): void {
    const state = this.#state;
    switch (state.kind) {
      case "undecided":
        if (state.waiting === undefined) this.#first(state, payload);
        else state.waiting.push(payload);
        return;
      case "jump":
        state.channels.receive(payload);
        return;
      case "relayed":
        this.#context.metrics.bytes("in", payload.length);
        if (this.#passes(payload)) state.relay.receiver.receive(payload);
        return;
      case "over":
        return;
    }
  }

  drain(): void {
    if (this.#state.kind === "jump") this.#state.channels.drain();
    if (this.#state.kind === "relayed") this.#state.relay.receiver.drain();
  }

  exchangingKeys(begun: boolean): void {
    if (this.#state.kind === "relayed") this.#state.relay.receiver.exchangingKeys?.(begun);
  }

  unimplemented(sequence: number): void {
    if (this.#state.kind === "relayed") this.#state.relay.receiver.unimplemented?.(sequence);
  }

  disconnected(reason: number, description: string): void {
    if (this.#state.kind === "relayed") this.#state.relay.receiver.disconnected?.(reason, description);
  }

  ended(): void {
    // What the client sent before it left still goes to the host. The relayed connection then ends by itself.
    if (this.#state.kind === "relayed") this.#state.relay.receiver.ended?.();
    else this.#client.close("the client left");
  }

  #first(state: State & { kind: "undecided" }, payload: Buffer): void {
    if (this.#requests.answersKeepalive(payload)) return;
    const host = payload[0] === MSG.channelOpen ? jumpDestination(new WireReader(payload, 1)) : undefined;
    if (host === undefined || this.#connection.principal.kind === "upterm") {
      if (this.#passes(payload)) this.#startRelay(state.target, [payload]);
      return;
    }
    const waiting = [payload];
    state.waiting = waiting;
    this.#transport.pause();
    this.#reaches(host)
      .then((isJump) => {
        if (this.#state !== state) return;
        this.#transport.resume();
        if (isJump) {
          this.#forgetTarget();
          this.#state = { kind: "jump", channels: this.#newJump() };
          for (const each of waiting) this.receive(each);
        } else {
          this.#startRelay(
            state.target,
            waiting.filter((each) => this.#passes(each)),
          );
        }
      })
      .catch((error: unknown) => {
        this.#context.log.error({ err: error }, "a jump could not be decided");
        this.#client.end("The gateway failed.");
      });
  }

  /** Whether a message is for the host. */
  #passes(payload: Buffer): boolean {
    const what = this.#requests.receive(payload);
    if (what === "unbearable") this.#client.end("There are too many unanswered requests.");
    return what === "pass";
  }

  #startRelay(target: RelayTarget, first: readonly Buffer[]): void {
    const { signingKey, metrics } = this.#context;
    const { link, reached, userName, endToEndOnly } = target;
    if (endToEndOnly) {
      this.#refuse("forbidden", endToEndAdvice(target, this.#client.userName, this.#context.jumpHost()));
      return;
    }
    try {
      this.#connection.atEnd(
        this.#connection.openedStream(reached, "ssh", (reason) => this.#client.end(reason)),
      );
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#refuse(error.code, error.message);
      return;
    }
    if (reached !== null) this.#connection.lendKey(reached);
    for (const payload of first) metrics.bytes("in", payload.length);
    const relay = reoriginate({
      link,
      again: reached === null ? undefined : relink(this.#context.registry, reached),
      client: this.#transport,
      first,
      userName,
      address: this.#client.address,
      clientVersion: this.#client.version,
      person: this.#connection.personAtHost,
      signingKey,
      signal: this.#client.over,
    });
    this.#state = { kind: "relayed", relay };
    const { principal } = this.#connection;
    if (principal.kind === "upterm") {
      const { address, version: clientVersion } = this.#client;
      const client = { address, publicKey: principal.key.line, clientVersion, end: this.#client.end };
      this.#connection.atEnd(principal.session.joined(client));
    }
    const audited = {
      workspace: reached?.workspaceId,
      detail: principal.kind === "upterm" ? principal.session.label : undefined,
    };
    this.#connection.audit("ssh.session.opened", audited);
    const started = performance.now();
    // `ended` never rejects.
    void relay.ended.then(({ bytesIn, bytesOut, reason }) => {
      const durationMs = performance.now() - started;
      this.#connection.audit("ssh.session.closed", { ...audited, bytesIn, bytesOut, durationMs });
      this.#client.close(reason);
    });
  }

  #refuse(code: ErrorCode, text: string): void {
    this.#context.metrics.refused(code);
    this.#connection.audit("ssh.session.refused", { code, detail: text });
    this.#client.end(text);
  }

  async #reaches(host: string): Promise<boolean> {
    try {
      await reachableWorkspace(this.#context.directory, this.#connection.principal, parseWorkspaceRef(host));
      return true;
    } catch (error) {
      if (error instanceof ProtocolError) return false;
      throw error;
    }
  }

  #advice(): string {
    const { workspace } = parseUserName(this.#client.userName);
    const unknown =
      workspace === undefined ? "" : `there is no workspace ${formatWorkspaceRef(workspace)} for you here; `;
    return `${unknown}this connection only jumps to workspaces: ssh -J ${this.#context.jumpHost()} WORKSPACE`;
  }

  #newJump(): Connection {
    const connection = new Connection(this.#context.log);
    connection.start(
      this.#transport,
      createJump({
        open: (workspace) => openJumpStream(workspace, this.#connection, this.#context, this.#client.over),
        advice: this.#advice(),
        prove: (data) => this.#requests.prove(data),
        refused: (what, code) => {
          this.#context.metrics.refused(code);
          this.#connection.audit("ssh.forward.refused", { code, detail: what });
        },
        refuseUnknown: () => this.#client.refuseUnknown(),
      }),
    );
    return connection;
  }
}
