// The upterm sessions of this gateway, by id. Their number is bounded, and each ends with its host's
// connection.

import { createHash } from "node:crypto";
import { isFair } from "../../protocol/flow/fair-slots.ts";
import { addressBlock } from "../../protocol/values/address-block.ts";
import type { Link } from "../link/link.ts";
import type { SessionId } from "./session-id.ts";
import type { UptermLink } from "./upterm-link.ts";

/** A session that any process of this gateway holds. */
export interface SessionElsewhere {
  readonly address: string;
  /** 0: a random id, which nothing can supersede. */
  readonly generation: bigint;
  readonly link: Link;
  /** Base64 blobs of the keys that may join; "anyone" with a key where the host named none. */
  readonly allowed: ReadonlySet<string> | "anyone";
}

export interface UptermSessionEntry extends SessionElsewhere {
  readonly id: SessionId;
  readonly link: UptermLink;
  /** The host has asked for connections: people may join. */
  ready: boolean;
}

/** How processes name a session to each other: by a hash of its id, which is a secret. */
export type SessionKey = `upterm_${string}`;

export function isSessionKey(text: string): text is SessionKey {
  return text.startsWith("upterm_");
}

/** Sessions whose hosts are connected to other processes of this gateway. */
export interface SessionsElsewhere {
  session(key: SessionKey): SessionElsewhere | undefined;
  sessions(): Iterable<SessionElsewhere>;
  /** People may join it from now on, by any process. It does not replace a newer session of the same host. */
  claimSession(key: SessionKey, session: SessionElsewhere): void;
  releaseSession(link: Link): void;
}

interface SessionLimits {
  readonly sessions: number;
  readonly sessionsPerAddress: number;
}

export const SESSION_LIMITS: SessionLimits = { sessions: 1_000, sessionsPerAddress: 50 };

/** Why a session is not added; the host shows the message. */
export class SessionRefused extends Error {
  override readonly name = "SessionRefused";
}

/** upterm's host knows this refusal by its text. */
const SUPERSEDED = "upterm: superseded by a newer registration";

export class UptermSessions {
  readonly #limits: SessionLimits;
  /** By hash of the id: a look-up by the id itself, which is a secret, could be timed. */
  readonly #sessions = new Map<SessionKey, UptermSessionEntry>();
  readonly #elsewhere: SessionsElsewhere | undefined;

  constructor(limits: SessionLimits = SESSION_LIMITS, elsewhere?: SessionsElsewhere) {
    this.#limits = limits;
    this.#elsewhere = elsewhere;
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
    const other = this.#elsewhere?.session(key);
    if (other !== undefined && session.generation <= other.generation) throw new SessionRefused(SUPERSEDED);
    const all = [...this.#sessions.values(), ...(this.#elsewhere?.sessions() ?? [])];
    if (all.length >= this.#limits.sessions) {
      throw new SessionRefused("this gateway has as many sessions as it allows; try again later");
    }
    const block = addressBlock(session.address);
    let held = 0;
    for (const { address } of all) if (addressBlock(address) === block) held++;
    const { sessions, sessionsPerAddress } = this.#limits;
    if (held >= sessionsPerAddress || !isFair(held, sessions - all.length)) {
      throw new SessionRefused("too many sessions are online from this address");
    }
    this.#sessions.set(key, session);
  }

  /** People may join from now on. */
  open(session: UptermSessionEntry): void {
    session.ready = true;
    this.#elsewhere?.claimSession(hashed(session.id), session);
  }

  /** Removes a session, unless a newer registration has replaced it already. */
  remove(session: UptermSessionEntry): void {
    this.#elsewhere?.releaseSession(session.link);
    const key = hashed(session.id);
    if (this.#sessions.get(key) === session) this.#sessions.delete(key);
  }

  /** undefined: there is no such session, or its host has not asked for connections yet. */
  find(id: SessionId): SessionElsewhere | undefined {
    const key = hashed(id);
    const session = this.#sessions.get(key);
    return session?.ready === true ? session : this.#elsewhere?.session(key);
  }
}

function hashed(id: SessionId): SessionKey {
  return `upterm_${createHash("sha256").update(id).digest("hex")}`;
}
