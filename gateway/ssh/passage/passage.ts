// What a signed-in connection may do: jump to workspaces end to end, or be passed on to the one that its user name names,
// packet by packet. Where both are possible, the first message of the connection protocol decides.

import { type ErrorCode, ProtocolError } from "../../../protocol/errors.ts";
import { Connection } from "../../../protocol/ssh/connection.ts";
import { MSG } from "../../../protocol/ssh/message-numbers.ts";
import type { PacketReceiver, PacketTransport } from "../../../protocol/ssh/ssh2/transport.ts";
import { WireReader } from "../../../protocol/ssh/wire.ts";
import { formatWorkspaceRef, parseWorkspaceRef } from "../../../protocol/values/name.ts";
import { relink } from "../../link/host-stream.ts";
import type { Link } from "../../link/link.ts";
import { type ReachedWorkspace, reachedWorkspace } from "../../open-connections.ts";
import type { ConnectionContext } from "../connection-context.ts";
import { watchedTransport } from "../entrance/watched-transport.ts";
import { type ReoriginatedSession, reoriginate } from "../re-origination/re-origination.ts";
import { reach } from "../sign-in/principal.ts";
import type { SignedIn, Target } from "../sign-in/sign-in.ts";
import { parseUserName } from "../sign-in/user-name.ts";
import type { UptermSession } from "../upterm-front.ts";
import { GlobalRequests } from "./global-requests.ts";
import { createJump, jumpDestination } from "./jump.ts";
import { openJumpStream } from "./jump-stream.ts";
import { SignedInConnection } from "./signed-in-connection.ts";

/** The connection below. */
export interface PassageClient {
  readonly transport: PacketTransport;
  readonly address: string;
  readonly version: string;
  /** As the client sent it. May hold a token. */
  readonly userName: string;
  readonly method: string;
  readonly hostKeyAlgorithm: string;
  sessionId(): Buffer | undefined;
  refuseUnknown(): Uint8Array;
  /** Bytes went out. */
  moved(): void;
  /** Tells the client why and closes. */
  end(reason: string): void;
  close(reason: string): void;
  readonly over: AbortSignal;
}

/** Where a session goes to: a workspace, or an upterm session. */
interface Destination {
  readonly link: Link;
  /** null: an upterm session. */
  readonly reached: ReachedWorkspace | null;
  /** How it is called at its host; never with a token in it. */
  readonly userName: string;
  readonly endToEndOnly: boolean;
}

type State =
  /** `waiting`: messages that came while the first one is looked into. */
  | { readonly kind: "undecided"; readonly destination: Destination; waiting: Buffer[] | undefined }
  | { readonly kind: "jump"; readonly connection: Connection }
  | { readonly kind: "session"; readonly session: ReoriginatedSession }
  | { readonly kind: "over" };

export class Passage implements PacketReceiver {
  readonly #visitor: SignedInConnection;
  readonly #client: PassageClient;
  readonly #context: ConnectionContext;
  readonly #transport: PacketTransport;
  readonly #requests: GlobalRequests;
  readonly #started = performance.now();
  #state: State;
  /** What the user name names is no business of a jump. */
  #goesElsewhere = (): void => {};

  constructor({ who, target }: SignedIn, client: PassageClient, context: ConnectionContext) {
    this.#client = client;
    this.#context = context;
    this.#visitor = new SignedInConnection(who, client.address, context, (reason) => client.end(reason));
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
        if (this.#state.kind === "session") context.metrics.bytes("out", bytes);
        client.moved();
      },
    });
    const destination = who.kind === "upterm" ? uptermDestination(who.session) : workspaceDestination(target);
    this.#state =
      destination === undefined
        ? { kind: "jump", connection: this.#newJump() }
        : { kind: "undecided", destination, waiting: undefined };
    const reached = destination?.reached ?? null;
    if (reached !== null) {
      this.#goesElsewhere = this.#visitor.signedInFor(reached, (reason) => client.end(reason));
    }
    this.#visitor.audit("ssh.sign-in", {
      workspace: reached?.workspaceId,
      detail: client.method,
    });
    client.transport.send(context.announcement.announcement);
  }

  /** Once. `reason` is for the audit log. */
  close(reason: string): void {
    const state = this.#state;
    this.#state = { kind: "over" };
    if (state.kind === "jump") state.connection.close();
    if (state.kind === "session") state.session.close(reason);
    this.#visitor.left();
    this.#visitor.audit("ssh.closed", { detail: reason, durationMs: performance.now() - this.#started });
  }

  receive(payload: Buffer): void {
    const state = this.#state;
    switch (state.kind) {
      case "undecided":
        if (state.waiting === undefined) this.#first(state, payload);
        else state.waiting.push(payload);
        return;
      case "jump":
        state.connection.receive(payload);
        return;
      case "session":
        this.#context.metrics.bytes("in", payload.length);
        if (this.#passes(payload)) state.session.receiver.receive(payload);
        return;
      case "over":
        return;
    }
  }

  drain(): void {
    if (this.#state.kind === "jump") this.#state.connection.drain();
    if (this.#state.kind === "session") this.#state.session.receiver.drain();
  }

  exchangingKeys(begun: boolean): void {
    if (this.#state.kind === "session") this.#state.session.receiver.exchangingKeys?.(begun);
  }

  unimplemented(sequence: number): void {
    if (this.#state.kind === "session") this.#state.session.receiver.unimplemented?.(sequence);
  }

  disconnected(reason: number, description: string): void {
    if (this.#state.kind === "session") this.#state.session.receiver.disconnected?.(reason, description);
  }

  ended(): void {
    // What the client has sent before it left still goes to the host; the session then ends by itself.
    if (this.#state.kind === "session") this.#state.session.receiver.ended?.();
    else this.#client.close("the client left");
  }

  #first(state: State & { kind: "undecided" }, payload: Buffer): void {
    if (this.#requests.answersKeepalive(payload)) return;
    const host = payload[0] === MSG.channelOpen ? jumpDestination(new WireReader(payload, 1)) : undefined;
    if (host === undefined || this.#visitor.who.kind === "upterm") {
      if (this.#passes(payload)) this.#startSession(state.destination, [payload]);
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
          this.#goesElsewhere();
          this.#state = { kind: "jump", connection: this.#newJump() };
          for (const each of waiting) this.receive(each);
        } else {
          this.#startSession(
            state.destination,
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
    if (what === "unbearable") this.#client.end("Too many unanswered requests.");
    return what === "pass";
  }

  #startSession(destination: Destination, first: readonly Buffer[]): void {
    const { signingKey, metrics } = this.#context;
    const { link, reached, userName, endToEndOnly } = destination;
    if (endToEndOnly) {
      const { workspace } = parseUserName(this.#client.userName);
      const name = workspace === undefined ? userName : formatWorkspaceRef(workspace);
      const command = `ssh -J ${this.#context.jumpHost()} ${name}`;
      this.#refuse("forbidden", `${name} takes end-to-end connections only: ${command}`);
      return;
    }
    try {
      this.#visitor.atEnd(this.#visitor.openedStream(reached, (reason) => this.#client.end(reason)));
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#refuse(error.code, error.message);
      return;
    }
    if (reached !== null) this.#visitor.lendKey(reached);
    for (const payload of first) metrics.bytes("in", payload.length);
    const session = reoriginate({
      link,
      again: reached === null ? undefined : relink(this.#context.registry, reached),
      client: this.#transport,
      first,
      userName,
      address: this.#client.address,
      clientVersion: this.#client.version,
      who: this.#visitor.nameAtHost,
      signingKey,
      signal: this.#client.over,
    });
    this.#state = { kind: "session", session };
    const { who } = this.#visitor;
    if (who.kind === "upterm") {
      const { address, version: clientVersion } = this.#client;
      const client = { address, publicKey: who.key.line, clientVersion, end: this.#client.end };
      this.#visitor.atEnd(who.session.joined(client));
    }
    const audited = {
      workspace: reached?.workspaceId,
      detail: who.kind === "upterm" ? who.session.label : undefined,
    };
    this.#visitor.audit("ssh.session.opened", audited);
    const started = performance.now();
    // `ended` never rejects.
    void session.ended.then(({ bytesIn, bytesOut, reason }) => {
      const durationMs = performance.now() - started;
      this.#visitor.audit("ssh.session.closed", { ...audited, bytesIn, bytesOut, durationMs });
      this.#client.close(reason);
    });
  }

  #refuse(code: ErrorCode, text: string): void {
    this.#context.metrics.refused(code);
    this.#visitor.audit("ssh.session.refused", { code, detail: text });
    this.#client.end(text);
  }

  async #reaches(host: string): Promise<boolean> {
    try {
      await reach(this.#context.directory, this.#visitor.who, parseWorkspaceRef(host));
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
        open: (workspace) => openJumpStream(workspace, this.#visitor, this.#context, this.#client.over),
        advice: this.#advice(),
        prove: (data) => this.#requests.prove(data),
        refused: (what, code) => {
          this.#context.metrics.refused(code);
          this.#visitor.audit("ssh.forward.refused", { code, detail: what });
        },
        refuseUnknown: () => this.#client.refuseUnknown(),
      }),
    );
    return connection;
  }
}

function workspaceDestination(target: Target | undefined): Destination | undefined {
  if (target === undefined) return undefined;
  const { link, workspace } = target;
  const { name, endToEndOnly } = workspace;
  return { link, reached: reachedWorkspace(workspace, link), userName: name, endToEndOnly };
}

function uptermDestination({ link, userName }: UptermSession): Destination {
  return { link, reached: null, userName, endToEndOnly: false };
}
