// Asks providers again and again whether people who have signed in may still come in: most send no word when somebody is disabled. A
// provider that says no ends the sign-ins; one that cannot be reached ends nothing.

import type { Logger } from "pino";
import { ProtocolError } from "../../../protocol/errors.ts";
import { parseIdentityId, type TokenId } from "../../../protocol/values/id.ts";
import type { ProviderSignIn } from "../../store/sign-ins/provider-sign-ins.ts";
import type { SignInWithAccount } from "../../store/sign-ins/sign-ins.ts";
import type { Store } from "../../store/store.ts";
import type { Sealer } from "../sealed.ts";
import { openToken, sealToken } from "./provider-tokens.ts";
import type { Providers } from "./providers.ts";
import { judge } from "./rules.ts";

/** Nobody is asked about more often. */
const CHECK_MS = 15 * 60_000;
/** After a provider could not be reached. Also how often this process looks at the database for one sign-in. */
const RETRY_MS = 60_000;
/** Somebody who asked so recently may still wait for the answer. */
const JUST_NOW_MS = 10_000;
/** How many are asked about in a minute, and how many at a time. */
const SWEEP = { most: 500, atOnce: 4 };
const MAX_REMEMBERED = 10_000;

interface LivenessOptions {
  readonly store: Store;
  readonly sealer: Sealer;
  readonly providers: Providers;
  readonly log: Logger;
  readonly now?: () => number;
}

type Answer = "welcome" | "refused" | "unknown";

export class Liveness {
  readonly #options: LivenessOptions;
  readonly #now: () => number;
  /** When a sign-in is looked at again. */
  readonly #next = new Map<TokenId, number>();
  /** Providers that could not be reached, and until when nobody tries. */
  readonly #paused = new Map<string, number>();

  constructor(options: LivenessOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
  }

  /**
   * Makes sure, once in a while, that the person behind a sign-in may still come in.
   * @throws ProtocolError token_revoked: the provider said no, and the sign-in has ended
   */
  async confirm(id: TokenId): Promise<void> {
    const { store, providers } = this.#options;
    if (providers.all().length === 0 || !this.#isDue(id)) return;
    const before = new Date(this.#now() - CHECK_MS);
    const signIn = await store.providerSignIns.claim(id, before);
    if (signIn?.identity_id == null) return;
    if (signIn.sealed_refresh !== null) {
      if ((await this.#ask(signIn)) === "refused") throw await this.#refused(signIn);
      return;
    }
    // A client has no refresh token of the provider's. The browser session that it came from may have one.
    for (const other of await store.providerSignIns.askable(signIn.identity_id)) {
      const claimed = await store.providerSignIns.claim(other.id, before);
      if (claimed === undefined || (await this.#ask(claimed)) !== "refused") return;
      const refusal = await this.#refused(claimed);
      if ((await store.signIns.row(id))?.revoked_at != null) throw refusal;
    }
  }

  /** Asks about everybody who is signed in, also those who have only a tunnel open. Call it in one process of a gateway. */
  watch(): { stop(): Promise<void> } {
    let running = Promise.resolve();
    const timer = setInterval(() => {
      running = running.then(() => this.sweep());
    }, RETRY_MS);
    timer.unref();
    return {
      stop: async () => {
        clearInterval(timer);
        await running;
      },
    };
  }

  /** Asks about those whose last answer is old. */
  async sweep(): Promise<void> {
    const { store, log } = this.#options;
    try {
      const due = await store.providerSignIns.due(new Date(this.#now() - CHECK_MS), SWEEP.most);
      const next = async (): Promise<void> => {
        for (let id = due.pop(); id !== undefined; id = due.pop()) {
          await this.confirm(id).catch((error: unknown) => {
            // It has ended, as it should.
            if (!(error instanceof ProtocolError)) throw error;
          });
        }
      };
      await Promise.all(Array.from({ length: SWEEP.atOnce }, next));
    } catch (error) {
      log.error({ err: error }, "Sign-ins could not be confirmed.");
    }
  }

  /** Ends sign-ins because the provider said so. */
  async end(signIns: readonly SignInWithAccount[], why: string, address?: string): Promise<void> {
    const { store } = this.#options;
    for (const { id, accountId } of signIns) {
      const account = (await store.accounts.get(accountId))?.name ?? "";
      store.audit({ event: "sign-in.ended-by-provider", account, address, token: id, detail: why });
      try {
        await store.tokens.revoke(accountId, id, { account, address });
      } catch (error) {
        // It has ended in the meantime.
        if (!(error instanceof ProtocolError && error.code === "not_found")) throw error;
      }
    }
  }

  #isDue(id: TokenId): boolean {
    const now = this.#now();
    if ((this.#next.get(id) ?? 0) > now) return false;
    this.#next.delete(id);
    this.#next.set(id, now + RETRY_MS);
    if (this.#next.size > MAX_REMEMBERED) {
      const oldest = this.#next.keys().next();
      if (oldest.done !== true) this.#next.delete(oldest.value);
    }
    return true;
  }

  /** The caller has claimed the sign-in. */
  async #ask(signIn: ProviderSignIn): Promise<Answer> {
    const { store, sealer, providers, log } = this.#options;
    const provider = providers.get(signIn.provider ?? "");
    const refresh = openToken(sealer, signIn.sealed_refresh);
    const identity = signIn.identity_id === null ? undefined : await store.identities.get(signIn.identity_id);
    if (provider === undefined || refresh === undefined || identity === undefined) return "unknown";
    const now = this.#now();
    const later = new Date(now - CHECK_MS + RETRY_MS);
    if ((this.#paused.get(provider.settings.id) ?? 0) > now) {
      await store.providerSignIns.noteChecked(signIn.id, later, undefined);
      return "unknown";
    }
    const answer = await provider.recheck(refresh, identity.subject);
    switch (answer.outcome) {
      case "unreachable":
        log.warn(
          { provider: provider.settings.id, reason: answer.reason },
          "Sign-ins could not be confirmed.",
        );
        this.#paused.set(provider.settings.id, now + RETRY_MS);
        await store.providerSignIns.noteChecked(signIn.id, later, undefined);
        return "unknown";
      case "refused":
        log.info({ provider: provider.settings.id, reason: answer.reason }, "A sign-in was not confirmed.");
        return "refused";
      case "welcome": {
        await store.providerSignIns.noteChecked(signIn.id, new Date(now), sealToken(sealer, answer.refresh));
        const verdict = judge(provider.settings, answer.claims);
        // What did not come this time decides nothing.
        if (!verdict.allowed && !verdict.missing) return "refused";
        const account = (await store.accounts.get(identity.account_id))?.name ?? "";
        if (verdict.role === "admin" || verdict.role === "user") {
          await store.identities.setRole(
            identity.account_id,
            verdict.role === "admin",
            provider.settings.id,
            { account },
          );
        }
        return "welcome";
      }
    }
  }

  /**
   * A provider refused one sign-in. A person who was disabled loses all of them; one whose session merely ended there keeps
   * those that the provider confirms.
   */
  async #refused(signIn: ProviderSignIn): Promise<ProtocolError> {
    const { store } = this.#options;
    const identityId = parseIdentityId(signIn.identity_id);
    const all = await store.signIns.byIdentity(identityId);
    const why = "the provider no longer confirms it";
    await this.end(
      all.filter(({ id }) => id === signIn.id),
      why,
    );
    let survives = false;
    const justNow = new Date(this.#now() - JUST_NOW_MS);
    for (const { id: otherId } of await store.providerSignIns.askable(identityId)) {
      const other = await store.providerSignIns.claim(otherId, justNow);
      if (other === undefined || (await this.#ask(other)) !== "refused") survives = true;
      else {
        await this.end(
          all.filter(({ id }) => id === otherId),
          why,
        );
      }
    }
    if (!survives) await this.end(await store.signIns.byIdentity(identityId), why);
    return new ProtocolError(
      "token_revoked",
      "Your identity provider has ended this sign-in: sign in again.",
    );
  }
}
