// Sign-in by GitHub, also GitHub Enterprise. It has OAuth but no ID tokens: who somebody is, their verified address and their
// organizations come from its API (https://docs.github.com/rest). The numeric id is the subject, since names are given away again.

import * as client from "openid-client";
import { ProtocolError } from "../../../../protocol/errors.ts";
import type { BoundedFetch } from "../bounded-fetch.ts";
import { asRefusal, reasonFor } from "../oidc/failure.ts";
import type { Liveness, ProvedIdentity, Provider, ProviderState, Started } from "../provider.ts";
import type { Claims } from "../rules.ts";
import type { GithubSettings } from "../settings/settings.ts";

export class GithubProvider implements Provider {
  readonly settings: GithubSettings;
  readonly logoutToken = null;
  readonly #secret: string;
  readonly #fetch: BoundedFetch;
  #state: ProviderState = { state: "unknown", checkedAt: null, problem: null };

  constructor(settings: GithubSettings, secret: string | undefined, fetch: BoundedFetch) {
    this.settings = settings;
    this.#secret = secret ?? "";
    this.#fetch = fetch;
  }

  get state(): ProviderState {
    return this.#state;
  }

  async start(redirectUri: string, state: string, again: boolean): Promise<Started> {
    const verifier = client.randomPKCECodeVerifier();
    const url = new URL(`${this.settings.issuer}/login/oauth/authorize`);
    url.search = String(
      new URLSearchParams({
        client_id: this.settings.clientId,
        redirect_uri: redirectUri,
        scope: this.settings.scopes.join(" "),
        state,
        code_challenge: await client.calculatePKCECodeChallenge(verifier),
        code_challenge_method: "S256",
        // GitHub asks for no password again; it can only be asked to show which account it is.
        ...(again ? { prompt: "select_account" } : {}),
      }),
    );
    return { url: url.href, kept: { verifier } };
  }

  async finish(returned: URL, state: string, kept: Started["kept"]): Promise<ProvedIdentity> {
    const { searchParams } = returned;
    const redirectUri = `${returned.origin}${returned.pathname}`;
    try {
      if (searchParams.getAll("state").join() !== state)
        throw this.#refusal("the answer is for a different request");
      const code = one(searchParams, "code");
      if (code === undefined) throw this.#refusal(one(searchParams, "error") ?? "it gave no code");
      const token = await this.#exchange(code, redirectUri, kept.verifier ?? "");
      const claims = await this.#claims(token);
      return {
        issuer: this.settings.issuer,
        subject: String(claims.id),
        claims: { idToken: {}, userinfo: claims },
        session: undefined,
        refresh: token,
        idToken: undefined,
        authenticatedAt: undefined,
      };
    } catch (error) {
      throw asRefusal(error, this.settings.label);
    }
  }

  /** An access token lasts until it is revoked, and is what GitHub is asked with. */
  async recheck(token: string, subject: string): Promise<Liveness> {
    try {
      const claims = await this.#claims(token);
      return String(claims.id) === subject
        ? { outcome: "welcome", refresh: token, claims }
        : { outcome: "refused", reason: "it answered for a different person" };
    } catch (error) {
      const reason = reasonFor(error);
      return error instanceof ProtocolError && error.code === "sign_in_refused"
        ? { outcome: "refused", reason }
        : { outcome: "unreachable", reason };
    }
  }

  async endSessionUrl(): Promise<null> {
    return null;
  }

  async #exchange(code: string, redirectUri: string, verifier: string): Promise<string> {
    const answer = await this.#fetch(`${this.settings.issuer}/login/oauth/access_token`, {
      method: "POST",
      headers: { accept: "application/json" },
      body: new URLSearchParams({
        client_id: this.settings.clientId,
        client_secret: this.#secret,
        code,
        redirect_uri: redirectUri,
        code_verifier: verifier,
      }),
    });
    const body = await this.#json(answer);
    // Its errors have the status 200.
    if (typeof body.error === "string") throw this.#refusal(body.error);
    if (typeof body.access_token !== "string" || body.access_token.length > 1_000) {
      throw this.#refusal("it gave no access token");
    }
    return body.access_token;
  }

  async #claims(token: string): Promise<Claims> {
    const user = await this.#get("/user", token);
    if (typeof user.id !== "number" || !Number.isSafeInteger(user.id) || user.id <= 0) {
      throw this.#refusal("it did not say who you are");
    }
    const emails = await this.#get("/user/emails", token);
    const email = Array.isArray(emails) ? emails.find(isPrimary) : undefined;
    const groups: string[] = [];
    for (const name of this.settings.organizations) {
      const membership = await this.#membership(name, token);
      if (membership?.state !== "active") continue;
      groups.push(name);
      if (membership.role === "admin") groups.push(`${name}:owners`);
    }
    return {
      id: user.id,
      login: user.login,
      name: user.name,
      ...(email === undefined ? {} : { email: email.email, email_verified: email.verified }),
      groups,
    };
  }

  /** undefined: not a member, or the organization does not show itself to this application. */
  async #membership(organization: string, token: string): Promise<Record<string, unknown> | undefined> {
    return await this.#get(`/user/memberships/orgs/${organization}`, token, true);
  }

  async #get(path: string, token: string): Promise<Record<string, unknown>>;
  async #get(path: string, token: string, mayMiss: true): Promise<Record<string, unknown> | undefined>;
  async #get(path: string, token: string, mayMiss = false): Promise<Record<string, unknown> | undefined> {
    const answer = await this.#fetch(`${this.settings.apiUrl}${path}`, {
      headers: {
        accept: "application/vnd.github+json",
        authorization: `Bearer ${token}`,
        "x-github-api-version": "2022-11-28",
      },
    }).catch((error: unknown) => {
      this.#note(reasonFor(error));
      throw error;
    });
    if (answer.status === 401) throw this.#refusal("it does not take the authorization any more");
    if (mayMiss && (answer.status === 403 || answer.status === 404)) {
      // A rate limit has the same status as an organization that does not show itself.
      if (answer.headers.get("x-ratelimit-remaining") !== "0") return undefined;
    }
    return await this.#json(answer);
  }

  async #json(answer: Response): Promise<Record<string, unknown>> {
    if (answer.status !== 200) {
      this.#note(`status ${answer.status}`);
      throw new ProtocolError(
        "provider_unavailable",
        `${this.settings.label} answered with status ${answer.status}.`,
      );
    }
    this.#state = { state: "ready", checkedAt: new Date(), problem: null };
    const body: unknown = await answer.json();
    if (typeof body === "object" && body !== null) return body as Record<string, unknown>;
    throw new ProtocolError("provider_unavailable", `${this.settings.label} did not answer as it should.`);
  }

  #note(problem: string): void {
    this.#state = { state: "unreachable", checkedAt: new Date(), problem };
  }

  #refusal(reason: string): ProtocolError {
    return asRefusal(
      new ProtocolError("sign_in_refused", `${this.settings.label} did not sign you in (${reason}).`),
      "",
    );
  }
}

function one(query: URLSearchParams, name: string): string | undefined {
  const all = query.getAll(name);
  return all.length === 1 ? all[0] : undefined;
}

function isPrimary(entry: unknown): entry is { readonly email: string; readonly verified: true } {
  if (typeof entry !== "object" || entry === null) return false;
  const { email, primary, verified } = entry as Readonly<Record<string, unknown>>;
  return typeof email === "string" && primary === true && verified === true;
}
