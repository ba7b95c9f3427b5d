// The identity providers of this gateway, by their ids.

import type { Logger } from "pino";
import type { ProviderInfo } from "../../../protocol/sign-in/api.ts";
import { boundedFetch } from "./bounded-fetch.ts";
import { GithubProvider } from "./github/github-provider.ts";
import { OidcProvider } from "./oidc/oidc-provider.ts";
import type { Provider } from "./provider.ts";
import type { LoadedProvider } from "./settings/load.ts";

export class Providers {
  readonly #providers: ReadonlyMap<string, Provider>;
  readonly #closing = new AbortController();

  constructor(loaded: readonly LoadedProvider[], env: Readonly<NodeJS.ProcessEnv>, log: Logger) {
    const fetch = boundedFetch(env, this.#closing.signal);
    this.#providers = new Map(
      loaded.map(({ settings, secret }) => [
        settings.id,
        settings.kind === "oidc"
          ? new OidcProvider(settings, secret, fetch, log)
          : new GithubProvider(settings, secret, fetch),
      ]),
    );
  }

  get(id: string): Provider | undefined {
    return this.#providers.get(id);
  }

  all(): readonly Provider[] {
    return [...this.#providers.values()];
  }

  infos(): ProviderInfo[] {
    return this.all().map(({ settings: { id, kind, label } }) => ({ id, kind, label }));
  }

  /** Ends requests under way. */
  close(): void {
    this.#closing.abort();
  }
}
