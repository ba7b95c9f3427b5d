// Requests to identity providers: bounded in size and time, without redirects, through the proxy of the environment. Their URLs come
// from the operator's settings and from the provider's own metadata, never from people who sign in.

import { Agent as HttpAgent, request as httpRequest } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { isLoopback } from "../../../protocol/values/gateway-url.ts";
import { VERSION } from "../../../protocol/version.ts";

export const PROVIDER_TIMEOUT_MS = 5_000;
/** Metadata, keys and tokens have a few KiB; a person with thousands of groups has more. */
const MAX_BODY_BYTES = 1024 * 1024;

interface BoundedRequest {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>> | Headers | undefined;
  readonly body?: unknown;
  readonly signal?: AbortSignal | null | undefined;
}

export type BoundedFetch = (url: string, request?: BoundedRequest) => Promise<Response>;

/** The function that is returned rejects with an Error: no answer in time, too long an answer, not https. */
export function boundedFetch(
  env: Readonly<NodeJS.ProcessEnv>,
  closing: AbortSignal,
  maxBytes = MAX_BODY_BYTES,
): BoundedFetch {
  const https = new HttpsAgent({ keepAlive: false, proxyEnv: { ...env } });
  const http = new HttpAgent({ keepAlive: false });
  return (url, { method = "GET", headers = {}, body, signal } = {}) =>
    new Promise((resolve, reject) => {
      const target = new URL(url);
      const isPlain = target.protocol === "http:" && isLoopback(target.hostname);
      if (!isPlain && target.protocol !== "https:") throw new Error(`${target.origin} is not https`);
      const text = body === undefined || body === null ? undefined : textOf(body);
      const limits = [closing, AbortSignal.timeout(PROVIDER_TIMEOUT_MS), ...(signal ? [signal] : [])];
      const options = {
        method,
        signal: AbortSignal.any(limits),
        headers: {
          ...(body instanceof URLSearchParams
            ? { "content-type": "application/x-www-form-urlencoded;charset=UTF-8" }
            : {}),
          ...Object.fromEntries(headers instanceof Headers ? headers : Object.entries(headers)),
          "user-agent": `sallyport/${VERSION}`,
          ...(text === undefined ? {} : { "content-length": Buffer.byteLength(text) }),
        },
      };
      const sent = isPlain
        ? httpRequest(target, { ...options, agent: http })
        : httpsRequest(target, { ...options, agent: https });
      sent.on("error", reject);
      sent.on("response", (response) => {
        const chunks: Buffer[] = [];
        let length = 0;
        response.on("data", (chunk: Buffer) => {
          length += chunk.length;
          if (length > maxBytes) response.destroy(new Error("the answer is too long"));
          else chunks.push(chunk);
        });
        response.on("error", reject);
        response.on("end", () => resolve(asResponse(response.statusCode ?? 0, response.headers, chunks)));
      });
      sent.end(text);
    });
}

function textOf(body: unknown): string {
  if (typeof body === "string" || body instanceof URLSearchParams) return String(body);
  throw new TypeError("only texts and forms are sent to identity providers");
}

function asResponse(status: number, headers: NodeJS.Dict<string | string[]>, chunks: Buffer[]): Response {
  const list = Object.entries(headers).flatMap(([name, value]) =>
    value === undefined ? [] : [value].flat().map((one): [string, string] => [name, one]),
  );
  const hasNone = status === 204 || status === 205 || status === 304;
  return new Response(hasNone ? null : Buffer.concat(chunks), { status, headers: list });
}
