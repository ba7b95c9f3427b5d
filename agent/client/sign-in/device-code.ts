// Signing in with a device code (RFC 8628): this machine shows a short code, the person types it into a page on any other one,
// and this machine asks until they have decided.

import {
  DEVICE_PARAMETER,
  GRANT,
  OAUTH_LIFETIMES,
  OAUTH_PATHS,
  type OAuthClient,
  type OAuthScope,
  parseUserCode,
} from "../../../protocol/sign-in/oauth.ts";
import type { GatewayUrl } from "../../../protocol/values/gateway-url.ts";
import { CommandError } from "../../platform/command-error.ts";
import {
  type AskContext,
  askForTokens,
  type Granted,
  GrantRefused,
  postForm,
} from "../../platform/credentials/token-endpoint.ts";

export interface DeviceCode {
  readonly userCode: string;
  /** Pages of the gateway; the second has the code filled in. */
  readonly verificationUri: string;
  readonly verificationUriComplete: string;
  readonly deviceCode: string;
  readonly expiresInSeconds: number;
  readonly intervalSeconds: number;
}

export interface DeviceWish {
  readonly gateway: GatewayUrl;
  readonly client: OAuthClient;
  readonly scopes: readonly OAuthScope[];
  /** The program and the machine as people know them. */
  readonly device: string;
}

/** @throws CommandError */
export async function askForDeviceCode(
  { gateway, client, scopes, device }: DeviceWish,
  context: AskContext,
): Promise<DeviceCode> {
  const form = { client_id: client, scope: scopes.join(" "), [DEVICE_PARAMETER]: device };
  try {
    return readDeviceCode(gateway, await postForm(gateway, OAUTH_PATHS.device, form, context));
  } catch (error) {
    if (!(error instanceof GrantRefused)) throw error;
    const message = `${gateway} gives no device code: ${error.message.replace(/\.$/, "")}.`;
    throw new CommandError("sign-in", "sign_in_failed", message, { cause: error });
  }
}

function readDeviceCode(gateway: GatewayUrl, answer: Readonly<Record<string, unknown>>): DeviceCode {
  const { device_code, user_code, verification_uri, verification_uri_complete, expires_in, interval } =
    answer;
  const userCode = typeof user_code === "string" ? parseUserCode(user_code) : undefined;
  if (
    userCode === undefined ||
    typeof device_code !== "string" ||
    !/^[\x21-\x7e]{1,200}$/.test(device_code) ||
    !isPageOf(gateway, verification_uri) ||
    !isPageOf(gateway, verification_uri_complete)
  ) {
    const message = `${gateway} answered with a device code that this version does not understand.`;
    throw new CommandError("http", "not_a_gateway", message);
  }
  return {
    userCode,
    verificationUri: verification_uri,
    verificationUriComplete: verification_uri_complete,
    deviceCode: device_code,
    expiresInSeconds: between(expires_in, 10, 3_600, OAUTH_LIFETIMES.deviceCode),
    intervalSeconds: between(interval, 1, 60, OAUTH_LIFETIMES.devicePollInterval),
  };
}

/** The person is sent there, so it has to be the gateway that they named. */
function isPageOf(gateway: GatewayUrl, url: unknown): url is string {
  return typeof url === "string" && /^[\x21-\x7e]{1,2000}$/.test(url) && url.startsWith(`${gateway}/`);
}

function between(value: unknown, least: number, most: number, otherwise: number): number {
  return typeof value === "number" && value > 0 ? Math.min(most, Math.max(least, value)) : otherwise;
}

/** The time of a poll; tests pass their own. */
export interface PollClock {
  now(): number;
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

/** How much longer to wait after `slow_down` (RFC 8628 §3.5). */
const SLOWER_SECONDS = 5;
const LONGEST_WAIT_SECONDS = 60;

/**
 * Asks until the person has decided. A network that fails in the meantime is tried again, and less often.
 * @throws CommandError stage `sign-in`: sign_in_denied, device_code_expired, sign_in_failed; the signal's reason
 */
export async function pollForTokens(
  { gateway, client }: Pick<DeviceWish, "gateway" | "client">,
  code: DeviceCode,
  context: AskContext & { readonly signal: AbortSignal },
  clock: PollClock,
): Promise<Granted> {
  const deadline = clock.now() + code.expiresInSeconds * 1000;
  const form = { grant_type: GRANT.device, client_id: client, device_code: code.deviceCode };
  let intervalSeconds = code.intervalSeconds;
  let waitSeconds = intervalSeconds;
  for (;;) {
    await clock.sleep(waitSeconds * 1000, context.signal);
    if (clock.now() >= deadline) throw expired();
    try {
      return await askForTokens(gateway, client, form, context);
    } catch (error) {
      if (context.signal.aborted) throw error;
      const next = afterRefusal(error);
      if (next instanceof CommandError) throw next;
      if (next === "slower") intervalSeconds += SLOWER_SECONDS;
      waitSeconds =
        next === "again later" ? Math.min(waitSeconds * 2, LONGEST_WAIT_SECONDS) : intervalSeconds;
    }
  }
}

function afterRefusal(error: unknown): "again" | "slower" | "again later" | CommandError {
  // The network, or something in it, failed.
  if (error instanceof CommandError) return error.stage === "sign-in" ? error : "again later";
  if (!(error instanceof GrantRefused)) throw error;
  switch (error.code) {
    case "authorization_pending":
      return "again";
    case "slow_down":
      return "slower";
    case "server_error":
    case "temporarily_unavailable":
      return "again later";
    case "access_denied":
      return new CommandError("sign-in", "sign_in_denied", "The sign-in was declined in the browser.");
    case "expired_token":
      return expired();
    default: {
      const message = `The gateway did not sign you in: ${error.message.replace(/\.$/, "")}.`;
      return new CommandError("sign-in", "sign_in_failed", message, { cause: error });
    }
  }
}

function expired(): CommandError {
  return new CommandError(
    "sign-in",
    "device_code_expired",
    "Nobody entered the code in time: run it again for a new one.",
  );
}
