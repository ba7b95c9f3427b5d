// Sends one HTTP request: through the configured network or, in an editor, by the editor's own `fetch`, which follows the
// editor's and the system's settings.

import { networkWithEditor } from "../platform/network/configured-network.ts";
import type { HttpAnswer, HttpRequest } from "../platform/network/http-request.ts";
import type { Network } from "../platform/network/network.ts";

/**
 * Resolves once the answer's headers have arrived. Redirects are not followed.
 * @param network undefined: the process's own `fetch`. Where that would not verify certificates it is not used.
 * @throws CommandError, an error of `fetch`, or the signal's reason
 */
export async function send(request: HttpRequest, network: Network | undefined): Promise<HttpAnswer> {
  // Read for each request: an editor's other extensions may set it for the whole process at any time.
  const verifies = process.env.NODE_TLS_REJECT_UNAUTHORIZED !== "0";
  if (network === undefined && verifies) return await byFetch(request);
  const { sendRequest } = await import("../platform/network/http-request.ts");
  return await sendRequest(request, network ?? networkWithEditor(process.env, undefined));
}

async function byFetch({ url, method, headers, body, signal }: HttpRequest): Promise<HttpAnswer> {
  const response = await fetch(url, {
    method,
    headers,
    // A redirect would either take the token along or lose it, and the person would not notice.
    redirect: "manual",
    ...(body === undefined ? {} : { body }),
    ...(signal === undefined ? {} : { signal }),
  });
  return {
    status: response.status,
    header: (name) => response.headers.get(name) ?? undefined,
    body: response.body ?? nothing(),
  };
}

async function* nothing(): AsyncGenerator<Uint8Array> {}
