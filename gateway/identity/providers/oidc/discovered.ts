// A provider's metadata (OpenID Connect Discovery 1.0), fetched when it is first needed and renewed in the background, so that a
// provider that is down holds up neither the gateway's start nor people for whom the metadata is known.

import { createRemoteJWKSet, type JWTVerifyGetKey, customFetch as joseFetch } from "jose";
import * as client from "openid-client";
import type { Logger } from "pino";
import { ProtocolError } from "../../../../protocol/errors.ts";
import { isLoopback } from "../../../../protocol/values/gateway-url.ts";
import { type BoundedFetch, PROVIDER_TIMEOUT_MS } from "../bounded-fetch.ts";
import type { ProviderState } from "../provider.ts";
import type { OidcSettings } from "../settings/settings.ts";
import { reasonFor } from "./failure.ts";

const RENEW_MS = 3_600_000;
/** After a failure nobody asks again for so long: people who wait are told at once. */
const PAUSE_MS = 5_000;

export interface Known {
  readonly config: client.Configuration;
  /** The provider's keys. */
  readonly keys: JWTVerifyGetKey;
}

export class Discovered {
  readonly #settings: OidcSettings;
  readonly #secret: string | undefined;
  readonly #fetch: BoundedFetch;
  readonly #log: Logger;
  #known: (Known & { readonly at: number }) | undefined;
  #failed: { readonly at: number; readonly reason: string } | undefined;
  #pending: Promise<Known> | undefined;

  constructor(settings: OidcSettings, secret: string | undefined, fetch: BoundedFetch, log: Logger) {
    this.#settings = settings;
    this.#secret = secret;
    this.#fetch = fetch;
    this.#log = log;
  }

  get state(): ProviderState {
    if (this.#failed !== undefined) {
      return { state: "unreachable", checkedAt: new Date(this.#failed.at), problem: this.#failed.reason };
    }
    if (this.#known === undefined) return { state: "unknown", checkedAt: null, problem: null };
    return { state: "ready", checkedAt: new Date(this.#known.at), problem: null };
  }

  /** @throws ProtocolError provider_unavailable */
  async get(): Promise<Known> {
    const paused = this.#failed !== undefined && Date.now() - this.#failed.at < PAUSE_MS;
    if (this.#known !== undefined) {
      const isOld = Date.now() - this.#known.at > RENEW_MS || this.#failed !== undefined;
      // The failure is logged and shown as the provider's state.
      if (isOld && !paused) void this.#renew().catch(() => undefined);
      return this.#known;
    }
    if (paused) throw this.#unavailable(this.#failed?.reason ?? "");
    try {
      return await this.#renew();
    } catch (error) {
      throw this.#unavailable(reasonFor(error));
    }
  }

  /** It did not answer as it should. */
  noteFailure(error: unknown): void {
    this.#failed = { at: Date.now(), reason: reasonFor(error) };
    this.#log.warn(
      { provider: this.#settings.id, reason: this.#failed.reason },
      "The identity provider does not answer as it should.",
    );
  }

  #renew(): Promise<Known> {
    this.#pending ??= this.#discover()
      .then((known) => {
        if (this.#failed !== undefined)
          this.#log.info({ provider: this.#settings.id }, "The identity provider answers again.");
        this.#failed = undefined;
        this.#known = { ...known, at: Date.now() };
        return known;
      })
      .catch((error: unknown) => {
        this.noteFailure(error);
        throw error;
      })
      .finally(() => {
        this.#pending = undefined;
      });
    return this.#pending;
  }

  async #discover(): Promise<Known> {
    const { issuer, clientId, signature } = this.#settings;
    const url = new URL(issuer);
    const isPlain = url.protocol === "http:" && isLoopback(url.hostname);
    const config = await client.discovery(
      url,
      clientId,
      { id_token_signed_response_alg: signature },
      (...request) => this.#authentication(request[0])(...request),
      {
        [client.customFetch]: (address, options) => this.#fetch(address, options),
        timeout: PROVIDER_TIMEOUT_MS / 1000,
        execute: [client.enableNonRepudiationChecks, ...(isPlain ? [client.allowInsecureRequests] : [])],
      },
    );
    const metadata = config.serverMetadata();
    // The library takes other issuers for some of Microsoft's addresses.
    if (new URL(metadata.issuer).href !== url.href) throw new Error("its metadata is for a different issuer");
    const { jwks_uri: keysUrl, authorization_endpoint: authorize, token_endpoint: token } = metadata;
    for (const endpoint of [keysUrl, authorize, token]) {
      if (endpoint === undefined) throw new Error("its metadata lacks an endpoint");
      const { protocol } = new URL(endpoint);
      if (protocol !== "https:" && !(isPlain && protocol === "http:"))
        throw new Error("an endpoint is not https");
    }
    const keys = createRemoteJWKSet(new URL(keysUrl ?? ""), {
      timeoutDuration: PROVIDER_TIMEOUT_MS,
      [joseFetch]: (address, options) => this.#fetch(address, options),
    });
    return { config, keys };
  }

  /** How the client proves itself: as the operator says, or as the provider can. */
  #authentication({
    token_endpoint_auth_methods_supported: offered,
  }: client.ServerMetadata): client.ClientAuth {
    if (this.#secret === undefined) return client.None();
    const chosen =
      this.#settings.clientAuthentication ??
      (offered === undefined ||
      offered.includes("client_secret_basic") ||
      !offered.includes("client_secret_post")
        ? "client_secret_basic"
        : "client_secret_post");
    return chosen === "client_secret_basic"
      ? client.ClientSecretBasic(this.#secret)
      : client.ClientSecretPost(this.#secret);
  }

  #unavailable(reason: string): ProtocolError {
    return new ProtocolError(
      "provider_unavailable",
      `${this.#settings.label} does not answer (${reason}): try again, or sign in by a different way.`,
    );
  }
}
