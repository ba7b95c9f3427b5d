// The gateway as OAuth 2.0 authorization server (RFC 6749, 7636, 8252, 8414, 8628, 9207, 9700) of its own clients: what both
// sides must know. Paths are below the gateway's URL. Clients are public and fixed; nobody registers one.

import type { Scope } from "../api.ts";

export const OAUTH_PATHS = {
  /** RFC 8414. */
  metadata: "/.well-known/oauth-authorization-server",
  /** A page of the dashboard: the person signs in and consents there. */
  authorize: "/oauth/authorize",
  token: "/oauth/token",
  /** RFC 8628: asks for a device code. */
  device: "/oauth/device",
  revoke: "/oauth/revoke",
  /** A page of the dashboard: the person types a device's code there. */
  verify: "/device",
} as const;

/** The capability in the discovery document. */
export const OAUTH_CAPABILITY = "oauth";

export const OAUTH_CLIENTS = ["sallyport-cli", "sallyport-vscode"] as const;
export type OAuthClient = (typeof OAUTH_CLIENTS)[number];

/** Editors that open the extension's URIs. */
export const EDITOR_SCHEMES = [
  "vscode",
  "vscode-insiders",
  "vscodium",
  "vscodium-insiders",
  "code-oss",
  "cursor",
  "windsurf",
  "positron",
] as const;
/** The authority and path of the extension's redirect URI: `vscode://sallyport.sallyport/signed-in`. */
export const EDITOR_REDIRECT = "sallyport.sallyport/signed-in";
/** The path of a command line's redirect URI: `http://127.0.0.1:PORT/signed-in`, with any port (RFC 8252 §7.3). */
export const LOOPBACK_REDIRECT_PATH = "/signed-in";

/**
 * The program and the machine, as the client calls itself: `sallyport 0.1.0 on laptop`. A parameter of ours in authorization
 * requests and in requests for a device code; at most 100 printable characters.
 */
export const DEVICE_PARAMETER = "device";
/** Of the page `verify`, in the `verification_uri_complete` of a device code: the user code. The page only fills it in. */
export const USER_CODE_PARAMETER = "user_code";

/** What a client may ask for. `admin` is never among them. */
export const OAUTH_SCOPES = ["connect", "account", "host"] as const satisfies readonly Scope[];
export type OAuthScope = (typeof OAUTH_SCOPES)[number];

export const GRANT = {
  code: "authorization_code",
  refresh: "refresh_token",
  device: "urn:ietf:params:oauth:grant-type:device_code",
} as const;

/** Lifetimes in seconds. */
export const OAUTH_LIFETIMES = {
  code: 60,
  access: 3_600,
  /** A refresh token ends when it is not used for so long. */
  refresh: 60 * 24 * 3_600,
  /** After a refresh the previous refresh token still works for so long: an answer was lost, or two windows asked at once. */
  refreshGrace: 30,
  deviceCode: 600,
  devicePollInterval: 5,
} as const;

/** RFC 8628 §6.1: no vowels and no digits, so that no word appears and nothing is mistaken. */
export const USER_CODE_ALPHABET = "BCDFGHJKLMNPQRSTVWXZ";
/** As it is shown: `BCDF-GHJK`. */
export const USER_CODE_PATTERN = "^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$";

/** What people type becomes `BCDF-GHJK`: lower case, blanks and a missing hyphen are forgiven. undefined: it is no code. */
export function parseUserCode(text: string): string | undefined {
  const letters = text.toUpperCase().replace(/[\s-]/g, "");
  const code = `${letters.slice(0, 4)}-${letters.slice(4)}`;
  return letters.length === 8 && new RegExp(USER_CODE_PATTERN).test(code) ? code : undefined;
}

/** The answer of the token endpoint (RFC 6749 §5.1). `account` and `sign_in` are ours. */
export interface TokenAnswer {
  readonly access_token: string;
  readonly token_type: "Bearer";
  /** Seconds. */
  readonly expires_in: number;
  readonly refresh_token: string;
  /** Separated by blanks. */
  readonly scope: string;
  /** The account's name. */
  readonly account: string;
  /** The id of the sign-in, as the list of signed-in devices shows it. */
  readonly sign_in: string;
}

/** The answer of the device endpoint (RFC 8628 §3.2). */
export interface DeviceAnswer {
  readonly device_code: string;
  readonly user_code: string;
  readonly verification_uri: string;
  readonly verification_uri_complete: string;
  readonly expires_in: number;
  readonly interval: number;
}

/** RFC 6749 §5.2 and RFC 8628 §3.5. */
export type OAuthErrorCode =
  | "invalid_request"
  | "invalid_client"
  | "invalid_grant"
  | "unauthorized_client"
  | "unsupported_grant_type"
  | "invalid_scope"
  | "access_denied"
  | "authorization_pending"
  | "slow_down"
  | "expired_token"
  | "server_error"
  | "temporarily_unavailable";
export interface OAuthError {
  readonly error: OAuthErrorCode;
  readonly error_description: string;
}
