// A signed-in connection as the rest of the gateway sees it: its lines in the audit log, its entries in the
// list of open connections, and the keys that are lent for it. They all end with it.

import type { Slot } from "../../../protocol/flow/fair-slots.ts";
import { expiryOf } from "../../../protocol/ssh/certificate.ts";
import type { WorkspaceId } from "../../../protocol/values/id.ts";
import { atTime } from "../../deadline.ts";
import type { AuditEvent } from "../../directory.ts";
import { addressHolder, holderOf, type Opened, type ReachedWorkspace } from "../../open-connections.ts";
import type { ConnectionContext } from "../connection-context.ts";
import type { ReoriginationOptions } from "../re-origination/re-origination.ts";
import type { Principal } from "../sign-in/principal.ts";

const TOO_MANY =
  "You have too many connections open that do nothing. Use one connection for several sessions (ControlMaster).";

export class SignedInConnection {
  readonly principal: Principal;
  readonly address: string;
  readonly #context: ConnectionContext;
  readonly #lentTo = new Set<WorkspaceId>();
  readonly #atEnd: (() => void)[] = [];
  readonly #end: (reason: string) => void;
  #streams = 0;
  /** The slot among the connections without a stream. */
  #idle: Slot | undefined;
  #isOver = false;

  /**
   * @param end tells the client why, and closes its connection. It is called once its credential is no longer
   *   valid.
   */
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
    if (principal.kind === "account" && principal.certificate === undefined) {
      // It never rejects.
      void context.directory.keyUsed(principal.key.fingerprint, address);
    }
    this.#becomeIdle();
  }

  get account(): string | null {
    return this.principal.kind === "account" ? this.principal.account.name : null;
  }

  /** What the gateway certifies about the person to the host. */
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
   * A stream to a host is open. Returns a function to call once it has ended.
   * @param end is called with the reason when the stream is revoked
   * @throws ProtocolError gateway_full
   */
  openedStream(to: ReachedWorkspace | null, how: "ssh" | "jump", end: (reason: string) => void): () => void {
    const { address } = this;
    const leave = this.#context.connections.addStream(this.#opened(to), { how, address }, end);
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
   * The client signed in for this workspace and has no stream to it yet. The connection ends if access to the
   * workspace is revoked. Returns a function to call once the connection goes elsewhere.
   */
  signedInFor(to: ReachedWorkspace, end: (reason: string) => void): () => void {
    const leave = this.#context.connections.add(this.#opened(to), end);
    this.atEnd(leave);
    return leave;
  }

  /**
   * Lends the key of a user certificate to the workspace, since hosts know registered keys only. It is lent
   * until the connection ends, or until access to the workspace is revoked.
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

  /** `action` is called once the connection is closed. */
  atEnd(action: () => void): void {
    this.#atEnd.push(action);
  }

  /** To be called once the connection is closed. */
  left(): void {
    this.#isOver = true;
    this.#idle?.leave();
    for (const action of this.#atEnd.splice(0)) action();
  }

  /**
   * Connections without a stream cost memory and do nothing, so there is a limit per account and per address.
   */
  #becomeIdle(): void {
    if (this.#isOver) return;
    const holder = holderOf(this.#opened(this.#onlyWorkspace()), this.address);
    const holders = new Set([holder, addressHolder(this.address)]);
    const slot = this.#context.idle.enter([...holders], () => this.#end(TOO_MANY));
    if (typeof slot !== "string") this.#idle = slot;
    // Later, since the caller needs this object before the connection ends.
    else queueMicrotask(() => this.#end(TOO_MANY));
  }

  /**
   * The workspace of an owner token. It opens nothing else, so the whole connection depends on that
   * workspace.
   */
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
      // Removing a registered key does not revoke a certificate for it.
      key:
        principal.kind === "account" && principal.certificate === undefined
          ? principal.key.fingerprint
          : null,
      to,
    };
  }
}
