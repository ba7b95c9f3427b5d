// The authorization request of a client and the answer to it: PKCE with S256 (RFC 7636), a state that nobody can guess, and the
// issuer of the answer (RFC 9207). The URL that a browser gets has nothing secret in it. Pure but for randomness.

import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import {
  DEVICE_PARAMETER,
  GRANT,
  OAUTH_PATHS,
  type OAuthClient,
  type OAuthScope,
} from "../../../protocol/sign-in/oauth.ts";
import type { GatewayUrl } from "../../../protocol/values/gateway-url.ts";
import { printable } from "../../../protocol/values/printable.ts";
import { CommandError } from "../../platform/command-error.ts";

export interface Authorization {
  readonly url: string;
  readonly state: string;
  /** The form that swaps the code for tokens. */
  formWith(code: string): Readonly<Record<string, string>>;
}

export interface AuthorizationWish {
  readonly gateway: GatewayUrl;
  readonly client: OAuthClient;
  readonly redirectUri: string;
  readonly scopes: readonly OAuthScope[];
  /** The program and the machine as people know them. */
  readonly device: string;
  readonly state: string;
}

export function newState(): string {
  return randomBytes(32).toString("base64url");
}

export function authorize({
  gateway,
  client,
  redirectUri,
  scopes,
  device,
  state,
}: AuthorizationWish): Authorization {
  const verifier = randomBytes(32).toString("base64url");
  const query = new URLSearchParams({
    response_type: "code",
    client_id: client,
    redirect_uri: redirectUri,
    scope: scopes.join(" "),
    state,
    code_challenge: createHash("sha256").update(verifier).digest("base64url"),
    code_challenge_method: "S256",
    [DEVICE_PARAMETER]: device,
  });
  return {
    url: `${gateway}${OAUTH_PATHS.authorize}?${query}`,
    state,
    formWith: (code) => ({
      grant_type: GRANT.code,
      client_id: client,
      code,
      redirect_uri: redirectUri,
      code_verifier: verifier,
    }),
  };
}

/** What came back to the redirect URI. */
export type AuthorizationAnswer =
  | { readonly kind: "code"; readonly code: string }
  | { readonly kind: "refused"; readonly error: CommandError };

/**
 * Reads the answer; undefined where it does not belong to this request: its state is different, or a parameter is there twice.
 * Anybody can call a redirect URI, so nothing else of such a request counts.
 */
export function readAnswer(
  query: URLSearchParams,
  { state, gateway }: { readonly state: string; readonly gateway: GatewayUrl },
): AuthorizationAnswer | undefined {
  if (!isSame(only(query, "state"), state)) return undefined;
  if (only(query, "iss") !== gateway) {
    const message = `The answer to the sign-in did not come from ${gateway}, so it was not used: try again.`;
    return { kind: "refused", error: new CommandError("sign-in", "wrong_issuer", message) };
  }
  const code = only(query, "code");
  if (code !== undefined && query.get("error") === null) return { kind: "code", code };
  const error = only(query, "error") ?? "no code";
  const denied = error === "access_denied";
  const message = denied
    ? "The sign-in was declined in the browser."
    : `${gateway} did not sign you in: ${printable(only(query, "error_description") ?? error, 200)}.`;
  return {
    kind: "refused",
    error: new CommandError("sign-in", denied ? "sign_in_denied" : "sign_in_failed", message),
  };
}

/** The parameter's value if it is there once. */
function only(query: URLSearchParams, name: string): string | undefined {
  const [value, ...more] = query.getAll(name);
  return more.length > 0 || value === "" ? undefined : value;
}

function isSame(given: string | undefined, state: string): boolean {
  const [a, b] = [Buffer.from(given ?? ""), Buffer.from(state)];
  return a.length === b.length && timingSafeEqual(a, b);
}
