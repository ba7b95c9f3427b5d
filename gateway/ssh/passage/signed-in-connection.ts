// A client that has signed in, as the rest of the gateway knows it: in the audit log, in the list of what is open, and at
// hosts. Owns what lasts as long as its connection.

import type { Slot } from "../../../protocol/fair-slots.ts";
import { expiryOf } from "../../../protocol/ssh/certificate.ts";
import type { WorkspaceId } from "../../../protocol/values/id.ts";
import { atTime } from "../../deadline.ts";
import type { AuditEvent } from "../../directory.ts";
import { addressHolder, holderOf, type Opened, type ReachedWorkspace } from "../../open-connections.ts";
import type { ConnectionContext } from "../connection-context.ts";
import type { Reorigination } from "../re-origination/re-origination.ts";
import type { Who } from "../sign-in/principal.ts";

const TOO_MANY = "Too many connections of yours have no session open: use one for several (ControlMaster).";

export class SignedInConnection {
  readonly who: Who;
  readonly address: string;
  readonly #context: ConnectionContext;
  readonly #lentTo = new Set<WorkspaceId>();
  readonly #atEnd: (() => void)[] = [];
  readonly #end: (reason: string) => void;
  #streams = 0;
  /** Among the connections that have no stream. */
  #idle: Slot | undefined;
  #isOver = false;

  /** `end` tells the client why and closes its connection: when what it signed in with is worth nothing any more. */
  constructor(who: Who, address: string, context: ConnectionContext, end: (reason: string) => void) {
    this.who = who;
    this.address = address;
    this.#context = context;
    this.#end = end;
    this.#atEnd.push(context.connections.add(this.#opened(this.#only()), end));
    if (who.kind === "owner-token") {
      this.#atEnd.push(atTime(who.grant.expiresAt, () => end("The owner token has expired.")));
    }
    this.#becomeIdle();
  }

  get account(): string | null {
    return this.who.kind === "account" ? this.who.account.name : null;
  }

  /** In the certificate that the gateway signs for the host. */
  get nameAtHost(): Reorigination["who"] {
    const { who } = this;
    if (who.kind === "owner-token") {
      return { kind: "owner-token", tokenId: who.grant.tokenId, expiresAt: who.grant.expiresAt };
    }
    return { kind: "key", publicKey: who.key.line, account: this.account ?? "" };
  }

  audit(event: string, more: Partial<AuditEvent>): void {
    const { who } = this;
    this.#context.directory.audit({
      event,
      address: this.address,
      account: this.account ?? undefined,
      key: who.kind === "owner-token" ? undefined : who.key.fingerprint,
      token: who.kind === "owner-token" ? who.grant.tokenId : undefined,
      ...more,
    });
  }

  /**
   * A stream to a host is open; `end` as above. Returns what to call once it has ended.
   * @throws ProtocolError gateway_full
   */
  openedStream(to: ReachedWorkspace | null, end: (reason: string) => void): () => void {
    const leave = this.#context.connections.addStream(this.#opened(to), this.address, end);
    this.#streams++;
    this.#idle?.leave();
    let isOpen = true;
    return () => {
      leave();
      if (!isOpen) return;
      isOpen = false;
      this.#streams--;
      if (this.#streams === 0) this.#becomeIdle();
    };
  }

  /**
   * The connection was let in for this workspace, and has no stream to it yet: it ends with the leave to open one. Returns
   * what to call once it goes another way.
   */
  signedInFor(to: ReachedWorkspace, end: (reason: string) => void): () => void {
    const leave = this.#context.connections.add(this.#opened(to), end);
    this.atEnd(leave);
    return leave;
  }

  /**
   * A host knows registered keys only: a certified one is lent to its workspace for as long as the connection lasts, and the
   * leave to go there.
   */
  lendKey(to: ReachedWorkspace): void {
    const { who } = this;
    const { workspaceId: id } = to;
    if (who.kind !== "account" || who.certificate === undefined || this.#lentTo.has(id)) return;
    const { registry, connections } = this.#context;
    const key = { publicKey: who.key.line, account: who.account.name };
    const takeBack = registry.loans.lend(id, { key, until: expiryOf(who.certificate) });
    this.#lentTo.add(id);
    let isLent = true;
    const end = (): void => {
      if (!isLent) return;
      isLent = false;
      this.#lentTo.delete(id);
      leave();
      takeBack();
    };
    const leave = connections.add(this.#opened(to), end);
    this.atEnd(end);
  }

  /** To be called once the connection is closed. */
  atEnd(action: () => void): void {
    this.#atEnd.push(action);
  }

  left(): void {
    this.#isOver = true;
    this.#idle?.leave();
    for (const action of this.#atEnd.splice(0)) action();
  }

  /** A connection without a stream costs memory and nobody waits for it: there are only so many of one account and address. */
  #becomeIdle(): void {
    if (this.#isOver) return;
    const holder = holderOf(this.#opened(this.#only()), this.address);
    const holders = new Set([holder, addressHolder(this.address)]);
    const slot = this.#context.idle.enter([...holders], () => this.#end(TOO_MANY));
    if (typeof slot !== "string") this.#idle = slot;
    // Later: who makes this object has to have it before it ends.
    else queueMicrotask(() => this.#end(TOO_MANY));
  }

  /** An owner token opens one workspace and nothing else, so the whole connection depends on it. */
  #only(): ReachedWorkspace | null {
    const { who } = this;
    if (who.kind !== "owner-token") return null;
    const { workspaceId, ownerId } = who.grant;
    return { workspaceId, ownerId, link: undefined };
  }

  #opened(to: ReachedWorkspace | null): Opened {
    const { who } = this;
    return {
      accountId: who.kind === "account" ? who.account.id : null,
      tokenId: who.kind === "owner-token" ? who.grant.tokenId : null,
      // Removing a registered key has no say over a certificate for it.
      key: who.kind === "account" && who.certificate === undefined ? who.key.fingerprint : null,
      to,
    };
  }
}
