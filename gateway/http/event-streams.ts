// The event streams (SSE, HTML Living Standard §9.2) of all accounts. They take changes from links and from
// the store to the streams of the accounts that may see them. A stream ends when its token or account is no
// longer valid.

import type { ServerResponse } from "node:http";
import { setImmediate } from "node:timers/promises";
import type { Logger } from "pino";
import { assertNever } from "../../protocol/assert-never.ts";
import { ProtocolError } from "../../protocol/errors.ts";
import { FairSlots } from "../../protocol/flow/fair-slots.ts";
import type { AccountId, WorkspaceId } from "../../protocol/values/id.ts";
import type { Identity } from "../directory.ts";
import type { DirectoryChange } from "../directory-change.ts";
import type { Presence } from "../presence.ts";
import type { Store } from "../store/store.ts";
import { EventStream } from "./event-stream.ts";
import { workspaceBody } from "./routes/workspace-body.ts";
import { RateLimited } from "./sign-in-throttle.ts";

const MAX_STREAMS = 5_000;
const MAX_STREAMS_PER_ACCOUNT = 16;
/** The least time between two events about one workspace. */
const PAUSE_MS = 100;

interface EventStreamsOptions {
  readonly store: Store;
  readonly presence: Presence;
  readonly log: Logger;
  /**
   * How often a comment line is sent, so that proxies do not cut the stream, and the token is checked again.
   */
  readonly heartbeatMs?: number;
  /** A client is dropped if it takes nothing for this long while something waits for it. */
  readonly stallMs?: number;
}

export class EventStreams {
  readonly #options: EventStreamsOptions;
  readonly #streams = new Map<AccountId, Set<EventStream>>();
  readonly #slots = new FairSlots({ total: MAX_STREAMS, perHolder: MAX_STREAMS_PER_ACCOUNT });
  readonly #unsubscribe: readonly (() => void)[];
  readonly #heartbeat: NodeJS.Timeout;
  /** Workspaces whose state has just been sent; `again`: it has changed since. */
  readonly #pauses = new Map<WorkspaceId, { again: boolean }>();
  #closed = false;
  #isBeating = false;

  constructor(options: EventStreamsOptions) {
    this.#options = options;
    this.#unsubscribe = [
      options.presence.onChange((id) => this.#publish(id)),
      options.store.onChange((change) => this.#follow(change)),
    ];
    this.#heartbeat = setInterval(() => void this.#beat(), options.heartbeatMs ?? 20_000);
    this.#heartbeat.unref();
  }

  /** Call it before `open`, which cannot refuse. @throws ProtocolError rate_limited, shutting_down */
  admit(identity: Identity): void {
    if (this.#closed) {
      throw new ProtocolError("shutting_down", "The gateway is about to stop; try again in a moment.");
    }
    const { id } = identity.account;
    if (this.#slots.hasRoomFor(id)) return;
    throw this.#slots.held(id) >= MAX_STREAMS_PER_ACCOUNT
      ? new RateLimited(`An account can have at most ${MAX_STREAMS_PER_ACCOUNT} event streams open.`, 10)
      : new RateLimited("The gateway has as many event streams open as it allows. Try again later.", 10);
  }

  /**
   * Takes over the response for as long as the stream lives. `admit` must be called first, in the same turn.
   */
  open(identity: Identity, response: ServerResponse): void {
    const { store, presence, log, stallMs } = this.#options;
    const { id } = identity.account;
    const slot = this.#slots.put([id], () => undefined);
    const stream = new EventStream(response, {
      tokenId: identity.tokenId,
      stallMs: stallMs ?? 60_000,
      list: async () => (await store.workspaces.list(id)).map((found) => workspaceBody(found, id, presence)),
      find: async (workspaceId) => {
        const found = await store.workspaces.visible(workspaceId, id);
        return found === undefined ? undefined : workspaceBody(found, id, presence);
      },
      offers: () => store.shares.with(id, "pending"),
      onError: (error) => log.error({ err: error }, "An event stream failed."),
      onEnd: () => {
        slot.leave();
        const others = this.#streams.get(id);
        others?.delete(stream);
        if (others?.size === 0) this.#streams.delete(id);
      },
    });
    const streams = this.#streams.get(id) ?? new Set();
    this.#streams.set(id, streams.add(stream));
    stream.start();
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#heartbeat);
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    for (const stream of [...this.#all()]) stream.end();
  }

  *#all(): Generator<EventStream> {
    for (const streams of this.#streams.values()) yield* streams;
  }

  #of(accountId: AccountId): EventStream[] {
    return [...(this.#streams.get(accountId) ?? [])];
  }

  /**
   * Changes within PAUSE_MS are sent as one: every tunnel that opens or closes is a change, and for every
   * watcher the database is read.
   */
  #publish(id: WorkspaceId): void {
    if (this.#streams.size === 0 || this.#closed) return;
    const before = this.#pauses.get(id);
    if (before !== undefined) {
      before.again = true;
      return;
    }
    const pause = { again: false };
    this.#pauses.set(id, pause);
    setTimeout(() => {
      this.#pauses.delete(id);
      if (pause.again) this.#publish(id);
    }, PAUSE_MS).unref();
    this.#options.store.workspaces.audience(id).then(
      (accounts) => {
        for (const account of accounts) for (const stream of this.#of(account)) stream.enqueue(id);
      },
      (error: unknown) => this.#options.log.error({ err: error }, "A change was not sent to event streams."),
    );
  }

  #follow(change: DirectoryChange): void {
    switch (change.kind) {
      case "keys":
      case "key-removed":
      case "key-frozen":
      case "key-unfrozen":
      case "account-enabled":
        return;
      case "workspace":
      case "workspace-frozen":
      case "workspace-unfrozen":
        this.#publish(change.id);
        return;
      case "workspace-removed":
        for (const stream of this.#all()) if (stream.knows(change.id)) stream.enqueue(change.id);
        return;
      case "share-removed":
        for (const stream of this.#of(change.accountId)) stream.enqueue(change.id);
        return;
      case "offers":
        for (const stream of this.#of(change.accountId)) stream.enqueue("offers");
        return;
      case "token-revoked":
        for (const stream of [...this.#all()]) if (stream.tokenId === change.tokenId) stream.end();
        return;
      case "account-disabled":
        for (const stream of this.#of(change.accountId)) stream.end();
        return;
      default:
        assertNever(change);
    }
  }

  /** Never rejects. Streams are handled one by one, with other work in between: there may be thousands. */
  async #beat(): Promise<void> {
    if (this.#isBeating) return;
    this.#isBeating = true;
    for (const stream of [...this.#all()]) {
      if (this.#closed) break;
      stream.beat();
      try {
        await this.#options.store.tokens.recheck(stream.tokenId);
      } catch (error) {
        if (error instanceof ProtocolError) stream.end();
        else if (!this.#closed) {
          this.#options.log.error({ err: error }, "A token could not be checked again.");
        }
      }
      await setImmediate();
    }
    this.#isBeating = false;
  }
}
