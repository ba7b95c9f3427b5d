// Asks a gateway's OAuth endpoints (protocol/sign-in/oauth.ts). The forms carry secrets, so they travel in bodies only, and
// redirects are not followed. Answers are parsed by hand: a companion that renews its token has an ssh waiting.

import { GRANT, OAUTH_PATHS, type OAuthClient } from "../../../protocol/sign-in/oauth.ts";
import type { GatewayUrl } from "../../../protocol/values/gateway-url.ts";
import { parseTokenId } from "../../../protocol/values/id.ts";
import { type Name, parseName } from "../../../protocol/values/name.ts";
import { printable } from "../../../protocol/values/printable.ts";
import { parseAccessToken, parseRefreshToken, type RefreshToken } from "../../../protocol/values/token.ts";
import { VERSION } from "../../../protocol/version.ts";
import { CommandError } from "../command-error.ts";
import { foreignAnswer } from "../network/foreign-answer.ts";
import type { HttpAnswer } from "../network/http-request.ts";
import { networkFailure } from "../network/network-failure.ts";
import type { RenewableCredential } from "./credential.ts";
import type { StoreContext } from "./stored-credential.ts";

export interface Granted {
  readonly credential: RenewableCredential;
  readonly account: Name;
  readonly scopes: readonly string[];
}

/** The authorization server said no; `code` is one of RFC 6749 §5.2 or RFC 8628 §3.5. */
export class GrantRefused extends Error {
  override readonly name = "GrantRefused";
  readonly code: string;

  constructor(code: string, description: string) {
    super(description);
    this.code = code;
  }
}

export type AskContext = Pick<StoreContext, "env" | "send" | "signal">;

const TIMEOUT_MS = 10_000;
const MAX_ANSWER_BYTES = 64 * 1024;
const DAY_SECONDS = 24 * 3600;

/** @throws GrantRefused, CommandError */
export async function renewGrant(
  gateway: GatewayUrl,
  client: OAuthClient,
  refresh: RefreshToken,
  context: AskContext,
): Promise<Granted> {
  const form = { grant_type: GRANT.refresh, client_id: client, refresh_token: refresh };
  return await askForTokens(gateway, client, form, context);
}

/** @throws GrantRefused, CommandError */
export async function askForTokens(
  gateway: GatewayUrl,
  client: OAuthClient,
  form: Readonly<Record<string, string>>,
  context: AskContext,
): Promise<Granted> {
  // The token's life begins at the gateway while the answer is still under way.
  const askedAt = Date.now();
  const answer = await postForm(gateway, OAUTH_PATHS.token, form, context);
  try {
    return granted(answer, client, askedAt);
  } catch (cause) {
    throw notUnderstood(gateway, "tokens that this version does not understand", cause);
  }
}

/** The answer's fields; empty where the answer has no body. @throws GrantRefused, CommandError */
export async function postForm(
  gateway: GatewayUrl,
  path: string,
  form: Readonly<Record<string, string>>,
  { env, send, signal }: AskContext,
): Promise<Readonly<Record<string, unknown>>> {
  const timeout = AbortSignal.timeout(TIMEOUT_MS);
  const request = {
    url: new URL(`${gateway}${path}`),
    method: "POST",
    headers: {
      accept: "application/json",
      "content-type": "application/x-www-form-urlencoded",
      "user-agent": `sallyport/${VERSION}`,
    },
    body: new URLSearchParams(form).toString(),
    signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
  };
  let answer: HttpAnswer;
  let text: string;
  try {
    answer = await (send ?? (await configuredSend(env)))(request);
    text = await readAll(answer);
  } catch (error) {
    if (error instanceof CommandError || signal?.aborted === true) throw error;
    throw networkFailure(error, gateway);
  }
  const { status, header } = answer;
  const shown = { status, location: header("location"), contentType: header("content-type") };
  const foreign = foreignAnswer(shown, request.url);
  if (foreign !== undefined) throw foreign;
  const fields = fieldsOf(text);
  if (status >= 200 && status < 300 && fields !== undefined) return fields;
  if (typeof fields?.error === "string" && /^[a-z_]{1,40}$/.test(fields.error)) {
    const description =
      typeof fields.error_description === "string" ? fields.error_description : fields.error;
    throw new GrantRefused(fields.error, printable(description, 300));
  }
  // Such as the gateway's own refusal of too many requests.
  if (typeof fields?.code === "string" && typeof fields.message === "string") {
    throw new CommandError("http", printable(fields.code, 40), printable(fields.message, 300));
  }
  throw notUnderstood(gateway, `HTTP status ${status}`);
}

function granted(answer: Readonly<Record<string, unknown>>, client: OAuthClient, askedAt: number): Granted {
  const { access_token, token_type, expires_in, refresh_token, scope, account, sign_in } = answer;
  if (typeof token_type !== "string" || token_type.toLowerCase() !== "bearer")
    throw new Error("token_type is not Bearer");
  if (typeof expires_in !== "number" || !(expires_in > 0 && expires_in <= DAY_SECONDS))
    throw new Error("expires_in is not between a second and a day");
  if (typeof scope !== "string" || !/^[a-z]{1,20}(?: [a-z]{1,20}){0,9}$/.test(scope))
    throw new Error("scope is not a list of words");
  return {
    credential: {
      access: parseAccessToken(access_token),
      renewal: {
        accessExpiresAt: new Date(askedAt + expires_in * 1000).toISOString(),
        refresh: parseRefreshToken(refresh_token),
        signIn: parseTokenId(sign_in),
        client,
      },
    },
    account: parseName(account, "account"),
    scopes: scope.split(" "),
  };
}

function fieldsOf(text: string): Readonly<Record<string, unknown>> | undefined {
  if (text.trim() === "") return {};
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : undefined;
  } catch {
    // Not JSON: what answered is not a gateway but, say, a proxy.
    return undefined;
  }
}

async function readAll(answer: HttpAnswer): Promise<string> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of answer.body) {
    size += part.length;
    if (size > MAX_ANSWER_BYTES)
      throw new CommandError("http", "answer_too_large", "The gateway's answer is too large.");
    parts.push(part);
  }
  return Buffer.concat(parts).toString("utf8");
}

async function configuredSend(env: StoreContext["env"]): Promise<NonNullable<StoreContext["send"]>> {
  const [{ sendRequest }, { networkFrom }] = await Promise.all([
    import("../network/http-request.ts"),
    import("../network/configured-network.ts"),
  ]);
  return (request) => sendRequest(request, networkFrom(env));
}

function notUnderstood(gateway: GatewayUrl, what: string, cause?: unknown): CommandError {
  const message = `${gateway} answered with ${what}: does no proxy stand in between?`;
  return new CommandError("http", "not_a_gateway", message, { cause });
}
