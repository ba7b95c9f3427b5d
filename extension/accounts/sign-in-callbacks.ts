// The answers that a browser brings back from a sign-in: `vscode://sallyport.sallyport/signed-in?code=…&state=…&iss=…`. Any web
// page can open such a URI, so it counts only for a request that waits for it, by a state that nobody can guess; otherwise
// nothing changes and nothing is shown. The system may open it in a different window than the one that waits: that window
// hands it over by the secret storage. Neither codes nor states are logged.

import { createHash } from "node:crypto";
import type { Disposable, SecretStorage } from "vscode";
import { type AuthorizationAnswer, readAnswer } from "../../agent/client/sign-in/authorization.ts";
import type { Log } from "../../agent/platform/log.ts";
import type { GatewayUrl } from "../../protocol/values/gateway-url.ts";

interface Waiting {
  readonly state: string;
  readonly gateway: GatewayUrl;
}

const MAX_QUERY = 4_000;

export class SignInCallbacks implements Disposable {
  readonly #secrets: SecretStorage;
  readonly #log: Log;
  readonly #waiting = new Map<
    string,
    Waiting & { readonly resolve: (answer: AuthorizationAnswer) => void }
  >();
  readonly #listening: Disposable;

  constructor(secrets: SecretStorage, log: Log) {
    this.#secrets = secrets;
    this.#log = log;
    this.#listening = secrets.onDidChange(({ key }) => {
      for (const { state } of this.#waiting.values()) if (key === answerKey(state)) void this.#take(state);
    });
  }

  /** Resolves with the answer to a request; rejects with the signal's reason. */
  async wait({ state, gateway }: Waiting, signal: AbortSignal): Promise<AuthorizationAnswer> {
    const answer = new Promise<AuthorizationAnswer>((resolve, reject) => {
      if (signal.aborted) reject(signal.reason);
      signal.addEventListener("abort", () => reject(signal.reason), { once: true });
      this.#waiting.set(state, { state, gateway, resolve });
    });
    // It may be there, or have failed, before the storage has answered.
    answer.catch(() => {});
    try {
      // Tells the other windows that somebody waits: only then do they keep an answer.
      await this.#secrets.store(waitingKey(state), "1");
      return await answer;
    } finally {
      this.#waiting.delete(state);
      await this.#secrets.delete(waitingKey(state));
      await this.#secrets.delete(answerKey(state));
    }
  }

  /** A URI with this query was opened in this window. */
  async arrived(query: string): Promise<void> {
    const state = new URLSearchParams(query).get("state") ?? "";
    if (query.length > MAX_QUERY || !/^[\w-]{43}$/.test(state)) return this.#ignore();
    if (this.#resolve(state, query)) return;
    if ((await this.#secrets.get(waitingKey(state))) === undefined) return this.#ignore();
    await this.#secrets.store(answerKey(state), query);
  }

  dispose(): void {
    this.#listening.dispose();
  }

  async #take(state: string): Promise<void> {
    const query = await this.#secrets.get(answerKey(state));
    if (query !== undefined) this.#resolve(state, query);
  }

  #resolve(state: string, query: string): boolean {
    const waiting = this.#waiting.get(state);
    const answer = waiting === undefined ? undefined : readAnswer(new URLSearchParams(query), waiting);
    if (answer === undefined) return false;
    waiting?.resolve(answer);
    return true;
  }

  #ignore(): void {
    this.#log.info("The answer to a sign-in was opened that no window waits for. It is ignored.");
  }
}

/** A hash, because names of entries are less secret than their values. */
function waitingKey(state: string): string {
  return `sallyport.signIn.${hash(state)}`;
}

function answerKey(state: string): string {
  return `sallyport.signInAnswer.${hash(state)}`;
}

function hash(state: string): string {
  return createHash("sha256").update(state).digest("hex").slice(0, 32);
}
