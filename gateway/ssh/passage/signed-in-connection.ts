// A client that has signed in, as the rest of the gateway knows it: in the audit log, in the list of what is open, and at
// hosts. Owns what lasts as long as its connection.

import type { Slot } from "../../../protocol/fair-slots.ts";
import { expiryOf } from "../../../protocol/ssh/certificate.ts";
import type { WorkspaceId } from "../../../protocol/values/id.ts";
import { atTime } from "../../deadline.ts";
import type { AuditEvent } from "../../directory.ts";
import { addressHolder, holderOf, type Opened, type ReachedWorkspace } from "../../open-connections.ts";
import type { ConnectionContext } from "../connection-context.ts";
import type { ReoriginationOptions } from "../re-origination/re-origination.ts";
import type { Principal } from "../sign-in/principal.ts";

const TOO_MANY = "Too many connections of yours have no session open: use one for several (ControlMaster).";

export class SignedInConnection {
  readonly principal: Principal;
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
  constructor(
    principal: Principal,
    address: string,
    context: ConnectionContext,
    end: (reason: string) => void,
  ) {
    this.principal = principal;
    this.address = address;
    this.#context = context;
    this.#end = end;
    this.#atEnd.push(context.connections.add(this.#opened(this.#onlyWorkspace()), end));
    if (principal.kind === "owner-token") {
      this.#atEnd.push(atTime(principal.grant.expiresAt, () => end("The owner token has expired.")));
    }
    this.#becomeIdle();
  }

  get account(): string | null {
    return this.principal.kind === "account" ? this.principal.account.name : null;
  }

  /** In the certificate that the gateway signs for the host. */
  get personAtHost(): ReoriginationOptions["person"] {
    const { principal } = this;
    if (principal.kind === "owner-token") {
      return { kind: "owner-token", tokenId: principal.grant.tokenId, expiresAt: principal.grant.expiresAt };
    }
    return { kind: "key", publicKey: principal.key.line, account: this.account ?? "" };
  }

  audit(event: string, more: Partial<AuditEvent>): void {
    const { principal } = this;
    this.#context.directory.audit({
      event,
      address: this.address,
      account: this.account ?? undefined,
      key: principal.kind === "owner-token" ? undefined : principal.key.fingerprint,
      token: principal.kind === "owner-token" ? principal.grant.tokenId : undefined,
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
    const { principal } = this;
    const { workspaceId: id } = to;
    if (principal.kind !== "account" || principal.certificate === undefined || this.#lentTo.has(id)) return;
    const { registry, connections } = this.#context;
    const key = { publicKey: principal.key.line, account: principal.account.name };
    const takeBack = registry.lentKeys.lend(id, { key, until: expiryOf(principal.certificate) });
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
    const holder = holderOf(this.#opened(this.#onlyWorkspace()), this.address);
    const holders = new Set([holder, addressHolder(this.address)]);
    const slot = this.#context.idle.enter([...holders], () => this.#end(TOO_MANY));
    if (typeof slot !== "string") this.#idle = slot;
    // Later: who makes this object has to have it before it ends.
    else queueMicrotask(() => this.#end(TOO_MANY));
  }

  /** An owner token opens one workspace and nothing else, so the whole connection depends on it. */
  #onlyWorkspace(): ReachedWorkspace | null {
    const { principal } = this;
    if (principal.kind !== "owner-token") return null;
    const { workspaceId, ownerId } = principal.grant;
    return { workspaceId, ownerId, link: undefined };
  }

  #opened(to: ReachedWorkspace | null): Opened {
    const { principal } = this;
    return {
      accountId: principal.kind === "account" ? principal.account.id : null,
      tokenId: principal.kind === "owner-token" ? principal.grant.tokenId : null,
      // Removing a registered key has no say over a certificate for it.
      key:
        principal.kind === "account" && principal.certificate === undefined
          ? principal.key.fingerprint
          : null,
      to,
    };
  }
}
