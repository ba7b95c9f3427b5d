// Checks logout tokens (OpenID Connect Back-Channel Logout 1.0 §2.6): what a provider sends when somebody signed out there.

import { errors, type JWTVerifyGetKey, jwtVerify } from "jose";
import { ProtocolError } from "../../../../protocol/errors.ts";
import type { SignedOutThere } from "../provider.ts";
import type { OidcSettings } from "../settings/settings.ts";

const EVENT = "http://schemas.openid.net/event/backchannel-logout";
const MAX_TOKEN = 16_000;
/** Seconds. */
const MAX_AGE = 300;
const CLOCK_TOLERANCE = 60;
/** Ids of tokens that were taken, so that none is taken twice while it is young enough. */
const MAX_SEEN = 10_000;

export class LogoutTokens {
  readonly #settings: OidcSettings;
  readonly #seen = new Map<string, number>();
  readonly #now: () => number;

  constructor(settings: OidcSettings, now: () => number = Date.now) {
    this.#settings = settings;
    this.#now = now;
  }

  /** @throws ProtocolError bad_token; provider_unavailable: its keys cannot be fetched */
  async check(token: string, issuer: string, keys: JWTVerifyGetKey): Promise<SignedOutThere> {
    if (token.length > MAX_TOKEN) throw badToken("it is too long");
    const { payload, protectedHeader } = await this.#verify(token, issuer, keys);
    // The type is only recommended there, so the old one is taken; that of ID tokens and others is not.
    if (!/^(logout\+jwt|jwt)$/i.test(protectedHeader.typ ?? "JWT")) throw badToken("its type is wrong");
    const { sub, sid, events, jti } = payload;
    if ("nonce" in payload) throw badToken("it has a nonce");
    if (typeof events !== "object" || events === null || !Object.hasOwn(events, EVENT)) {
      throw badToken("it is about a different event");
    }
    const event = (events as Readonly<Record<string, unknown>>)[EVENT];
    if (typeof event !== "object" || event === null) throw badToken("it is about a different event");
    const subject = typeof sub === "string" && sub !== "" ? sub : undefined;
    const session = typeof sid === "string" && sid !== "" ? sid : undefined;
    if (subject === undefined && session === undefined) throw badToken("it names nobody");
    this.#once(String(jti));
    return {
      issuer,
      ...(subject === undefined ? {} : { subject }),
      ...(session === undefined ? {} : { session }),
    };
  }

  async #verify(token: string, issuer: string, keys: JWTVerifyGetKey) {
    try {
      return await jwtVerify(token, keys, {
        issuer,
        audience: this.#settings.clientId,
        algorithms: [this.#settings.signature],
        requiredClaims: ["iat", "jti", "events"],
        maxTokenAge: MAX_AGE,
        clockTolerance: CLOCK_TOLERANCE,
        currentDate: new Date(this.#now()),
      });
    } catch (error) {
      if (error instanceof errors.JOSEError && !(error instanceof errors.JWKSTimeout)) {
        // The generic one is about the answer with the keys.
        if (error.code !== "ERR_JOSE_GENERIC") throw badToken(error.message, error);
      }
      throw unavailable(error);
    }
  }

  #once(id: string): void {
    if (id === "" || id.length > 255) throw badToken("its id is malformed");
    const now = this.#now();
    for (const [old, until] of this.#seen) {
      if (until > now && this.#seen.size < MAX_SEEN) break;
      this.#seen.delete(old);
    }
    if (this.#seen.has(id)) throw badToken("it was used before");
    this.#seen.set(id, now + (MAX_AGE + 2 * CLOCK_TOLERANCE) * 1000);
  }
}

function badToken(reason: string, cause?: unknown): ProtocolError {
  return new ProtocolError("bad_token", `This logout token is not taken: ${reason}.`, {
    field: "logout_token",
    cause,
  });
}

function unavailable(cause: unknown): ProtocolError {
  return new ProtocolError("provider_unavailable", "The provider's keys can't be fetched.", { cause });
}
