// Sign-in by OpenID Connect: the authorization code flow with PKCE, state and nonce, and an ID token whose signature is checked.

import * as client from "openid-client";
import type { Logger } from "pino";
import { ProtocolError } from "../../../../protocol/errors.ts";
import { isPrintable } from "../../../../protocol/values/printable.ts";
import { SIGN_IN_LIFETIMES } from "../../../store/sign-ins/lifetimes.ts";
import type { BoundedFetch } from "../bounded-fetch.ts";
import type { Liveness, ProvedIdentity, Provider, SignedOutThere, Started } from "../provider.ts";
import { type Claims, claimAt } from "../rules.ts";
import type { OidcSettings } from "../settings/settings.ts";
import { Discovered } from "./discovered.ts";
import { asRefusal, isInvalidGrant, reasonFor } from "./failure.ts";
import { LogoutTokens } from "./logout-token.ts";

/** What the API's documents take. */
const MAX_URL = 4_000;

export class OidcProvider implements Provider {
  readonly settings: OidcSettings;
  readonly logoutToken: (token: string) => Promise<SignedOutThere>;
  readonly #discovered: Discovered;

  constructor(settings: OidcSettings, secret: string | undefined, fetch: BoundedFetch, log: Logger) {
    this.settings = settings;
    this.#discovered = new Discovered(settings, secret, fetch, log);
    const tokens = new LogoutTokens(settings);
    this.logoutToken = async (token) => {
      const { config, keys } = await this.#discovered.get();
      return await tokens.check(token, config.serverMetadata().issuer, keys);
    };
    // The first person who signs in need not wait for it. A failure is logged and shown as the provider's state.
    void this.#discovered.get().catch(() => undefined);
  }

  get state() {
    return this.#discovered.state;
  }

  async start(redirectUri: string, state: string, again: boolean): Promise<Started> {
    const { config } = await this.#discovered.get();
    const verifier = client.randomPKCECodeVerifier();
    const nonce = client.randomNonce();
    const url = client.buildAuthorizationUrl(config, {
      ...this.settings.parameters,
      redirect_uri: redirectUri,
      scope: this.settings.scopes.join(" "),
      response_type: "code",
      code_challenge: await client.calculatePKCECodeChallenge(verifier),
      code_challenge_method: "S256",
      state,
      nonce,
      // With a max_age the provider has to say when it asked the person (OpenID Connect Core §3.1.2.1).
      ...(again ? { prompt: "login", max_age: "0" } : { max_age: String(SIGN_IN_LIFETIMES.browser) }),
    });
    return { url: url.href, kept: { verifier, nonce } };
  }

  async finish(returned: URL, state: string, kept: Started["kept"]): Promise<ProvedIdentity> {
    const { config } = await this.#discovered.get();
    try {
      const tokens = await client.authorizationCodeGrant(config, returned, {
        pkceCodeVerifier: kept.verifier ?? "",
        expectedState: state,
        expectedNonce: kept.nonce ?? "",
        idTokenExpected: true,
      });
      const idToken: Claims = { ...tokens.claims() };
      const { sub, sid, auth_time: authTime } = idToken;
      if (typeof sub !== "string" || sub === "" || sub.length > 255 || !isPrintable(sub)) {
        throw new ProtocolError("sign_in_refused", `${this.settings.label} sent no usable subject.`);
      }
      const userinfo: Claims = this.#needsUserinfo(config, idToken)
        ? { ...(await client.fetchUserInfo(config, tokens.access_token, sub)) }
        : {};
      return {
        issuer: config.serverMetadata().issuer,
        subject: sub,
        claims: { idToken, userinfo },
        session: typeof sid === "string" && sid.length <= 255 ? sid : undefined,
        refresh: tokens.refresh_token,
        idToken: tokens.id_token,
        authenticatedAt: typeof authTime === "number" ? new Date(authTime * 1000) : undefined,
      };
    } catch (error) {
      const refusal = asRefusal(error, this.settings.label);
      if (refusal.code === "provider_unavailable") this.#discovered.noteFailure(error);
      throw refusal;
    }
  }

  async recheck(refresh: string, subject: string): Promise<Liveness> {
    try {
      const { config } = await this.#discovered.get();
      const tokens = await client.refreshTokenGrant(config, refresh);
      const idToken = tokens.claims();
      if (idToken !== undefined && idToken.sub !== subject) {
        return { outcome: "refused", reason: "it answered for a different person" };
      }
      const claims = await this.#claimsNow(config, tokens.access_token, subject, { ...idToken });
      return { outcome: "welcome", refresh: tokens.refresh_token ?? refresh, claims };
    } catch (error) {
      const reason = reasonFor(error);
      return isInvalidGrant(error) ? { outcome: "refused", reason } : { outcome: "unreachable", reason };
    }
  }

  async endSessionUrl(idToken: string | undefined, back: string): Promise<string | null> {
    const { config } = await this.#discovered.get();
    const { end_session_endpoint: endpoint } = config.serverMetadata();
    if (endpoint === undefined || !/^https?:\/\//.test(endpoint)) return null;
    const url = (hint: object) =>
      client.buildEndSessionUrl(config, { post_logout_redirect_uri: back, ...hint }).href;
    const hinted = url(idToken === undefined ? {} : { id_token_hint: idToken });
    // Without the hint the provider asks the person whether they mean it.
    return hinted.length <= MAX_URL ? hinted : url({});
  }

  async #claimsNow(
    config: client.Configuration,
    accessToken: string,
    subject: string,
    idToken: Claims,
  ): Promise<Claims> {
    if (!this.#needsUserinfo(config, idToken)) return idToken;
    try {
      return { ...(await client.fetchUserInfo(config, accessToken, subject)), ...idToken };
    } catch {
      // The refresh token was taken, so the person is welcome; what did not come decides nothing.
      return idToken;
    }
  }

  /** Only if a claim that the rules or the account's name need is not in the ID token. */
  #needsUserinfo(config: client.Configuration, claims: Claims): boolean {
    if (config.serverMetadata().userinfo_endpoint === undefined) return false;
    const { allowDomains, allowGroups, denyGroups, adminGroups, groupsClaim, domainClaim, nameClaim } =
      this.settings;
    const needed = [nameClaim, "email"];
    if (allowDomains.length > 0) needed.push(...(domainClaim === null ? ["email_verified"] : [domainClaim]));
    if (allowGroups.length + denyGroups.length + adminGroups.length > 0) needed.push(groupsClaim);
    return needed.some((claim) => claimAt(claims, claim) === undefined);
  }
}
