// The gateway's API: fetch with the browser's session cookie, answers as JSON, refusals as `ApiError`. A request that needs
// the person to prove again who they are asks them (`onReauthentication`) and is then repeated.

import type { ErrorBody } from "../protocol/errors.ts";
import { withBase } from "./base.ts";
import { t } from "./words.ts";

/** A refusal by the gateway; `unreachable` if there was no answer, `cancelled` if the person did not sign in again. */
export class ApiError extends Error {
  readonly code: ErrorBody["code"] | "unreachable" | "cancelled";
  /** Of HTTP; 0: there was no answer. */
  readonly status: number;
  /** The input that is wrong, where there is one. */
  readonly field: string | undefined;

  constructor(code: ApiError["code"], message: string, status = 0, field?: string) {
    super(message);
    this.name = "ApiError";
    this.code = code;
    this.status = status;
    this.field = field;
  }
}

interface Hooks {
  /** The session is over: somebody has to sign in. `code` says why. */
  readonly onSignedOut: (code: string) => void;
  /** Asks the person to prove who they are; false: they did not. */
  readonly onReauthentication: () => Promise<boolean>;
}
let hooks: Hooks = { onSignedOut: () => undefined, onReauthentication: async () => false };

export function setHooks(own: Hooks): void {
  hooks = own;
}

export interface RequestOptions {
  readonly signal?: AbortSignal;
  /** For pages of people who are not signed in: a 401 is thrown like any refusal, and nobody is asked to sign in. */
  readonly quiet?: boolean;
}

type Method = "GET" | "POST" | "PATCH" | "PUT" | "DELETE";

/** @throws ApiError */
async function request<T>(method: Method, path: string, body: unknown, options: RequestOptions): Promise<T> {
  try {
    return await send<T>(method, path, body, options);
  } catch (error) {
    if (!(error instanceof ApiError) || options.quiet === true) throw error;
    if (error.status === 401) hooks.onSignedOut(error.code);
    if (error.code !== "reauthentication_required") throw error;
    if (await hooks.onReauthentication()) return await send<T>(method, path, body, options);
    throw new ApiError("cancelled", t("Nothing was changed: sign in again to go on."), error.status);
  }
}

async function send<T>(method: Method, path: string, body: unknown, { signal }: RequestOptions): Promise<T> {
  let response: Response;
  try {
    response = await fetch(withBase(`/api/v1${path}`), {
      method,
      credentials: "same-origin",
      cache: "no-store",
      headers: {
        accept: "application/json",
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal === undefined ? {} : { signal }),
    });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new ApiError("unreachable", t("The gateway does not answer. Check your connection and try again."));
  }
  if (response.status === 204) return undefined as T;
  const text = await response.text();
  const answer = parse(text);
  if (response.ok && answer !== undefined) return answer as T;
  throw refusalOf(response.status, answer);
}

/** A refusal from an answer, which may also come from a proxy in front of the gateway and be anything. */
export function refusalOf(status: number, answer: unknown): ApiError {
  const { code, message, field }: Partial<Record<keyof ErrorBody, unknown>> = Object(answer);
  if (typeof code === "string" && typeof message === "string") {
    const named = typeof field === "string" ? field : undefined;
    return new ApiError(code as ErrorBody["code"], message, status, named);
  }
  return new ApiError(
    "internal",
    t("The gateway answered in a way that this page does not understand."),
    status,
  );
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // Not JSON: a proxy's page.
  }
}

/** Paths are below /api/v1. An answer without a body is undefined. All throw ApiError. */
export const api = {
  get: <T>(path: string, options: RequestOptions = {}) => request<T>("GET", path, undefined, options),
  post: <T = void>(path: string, body?: unknown, options: RequestOptions = {}) =>
    request<T>("POST", path, body, options),
  patch: <T = void>(path: string, body: unknown, options: RequestOptions = {}) =>
    request<T>("PATCH", path, body, options),
  put: <T = void>(path: string, body: unknown, options: RequestOptions = {}) =>
    request<T>("PUT", path, body, options),
  delete: <T = void>(path: string, options: RequestOptions = {}) =>
    request<T>("DELETE", path, undefined, options),
};
