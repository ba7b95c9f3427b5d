// The upterm sessions of this gateway, by id: counted, bounded, and gone with their host's connection.

import { createHash } from "node:crypto";
import { addressBlock } from "../http/client-address.ts";
import type { SessionId } from "./session-id.ts";
import type { UptermLink } from "./upterm-link.ts";

export interface UptermSessionEntry {
  readonly id: SessionId;
  readonly address: string;
  /** 0: a random id, which nothing can supersede. */
  readonly generation: bigint;
  readonly link: UptermLink;
  /** Base64 blobs of the keys that may join; "anyone" with a key where the host named none. */
  readonly allowed: ReadonlySet<string> | "anyone";
  /** The host has asked for connections: people may join. */
  ready: boolean;
}

export interface SessionLimits {
  readonly sessions: number;
  readonly sessionsPerAddress: number;
}

export const SESSION_LIMITS: SessionLimits = { sessions: 1_000, sessionsPerAddress: 50 };

/** Why a session is not added, in words that the host shows. */
export class SessionRefused extends Error {
  override readonly name = "SessionRefused";
}

/** upterm's host knows this refusal by its text. */
export const SUPERSEDED = "upterm: superseded by a newer registration";

export class UptermSessions {
  readonly #limits: SessionLimits;
  /** By hash of the id: a look-up by the id itself, which is a secret, could be timed. */
  readonly #sessions = new Map<string, UptermSessionEntry>();

  constructor(limits: SessionLimits = SESSION_LIMITS) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#sessions.size;
  }

  /** @throws SessionRefused: too many, or a newer registration of the same host holds the id */
  add(session: UptermSessionEntry): void {
    const key = hashed(session.id);
    const former = this.#sessions.get(key);
    if (former !== undefined) {
      if (session.generation <= former.generation) throw new SessionRefused(SUPERSEDED);
      this.#sessions.set(key, session);
      former.link.close("fenced", "The same host has connected again.");
      return;
    }
    if (this.#sessions.size >= this.#limits.sessions) {
      throw new SessionRefused("this gateway has as many sessions as it allows; try again later");
    }
    const block = addressBlock(session.address);
    let held = 0;
    for (const { address } of this.#sessions.values()) if (addressBlock(address) === block) held++;
    if (held >= this.#limits.sessionsPerAddress) {
      throw new SessionRefused("too many sessions are online from this address");
    }
    this.#sessions.set(key, session);
  }

  /** Takes a session out, unless a newer registration has taken its place already. */
  remove(session: UptermSessionEntry): void {
    const key = hashed(session.id);
    if (this.#sessions.get(key) === session) this.#sessions.delete(key);
  }

  /** undefined: there is none, or its host has not asked for connections yet. */
  find(id: SessionId): UptermSessionEntry | undefined {
    const session = this.#sessions.get(hashed(id));
    return session?.ready === true ? session : undefined;
  }
}

function hashed(id: SessionId): string {
  return createHash("sha256").update(id).digest("hex");
}
