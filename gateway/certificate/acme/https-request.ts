// One HTTPS request to the certificate authority, bounded in size and time. A proxy of the environment
// (HTTPS_PROXY, NO_PROXY) is used, because servers that may not connect to the internet by themselves have one.

import { Agent, request } from "node:https";
import { reasonOf } from "../../program/start-error.ts";
import { AcmeError } from "./acme-error.ts";

const TIMEOUT_MS = 30_000;
/** Orders and certificate chains have a few KiB. */
const MAX_BODY_BYTES = 512 * 1024;

interface AcmeRequest {
  readonly method: "GET" | "HEAD" | "POST";
  readonly url: string;
  /** JSON of a JWS. */
  readonly body?: string;
}

export interface AcmeResponse {
  readonly status: number;
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly body: string;
}

export type SendRequest = (request: AcmeRequest) => Promise<AcmeResponse>;

export interface HttpsOptions {
  /** PEM of the authorities that the server's certificate must come from; undefined: Node's own. */
  readonly ca: string | undefined;
  readonly env: Readonly<NodeJS.ProcessEnv>;
  readonly userAgent: string;
  readonly signal: AbortSignal;
}

/** The function that is returned throws AcmeError `acme_unreachable` or `acme_untrusted`. */
export function httpsRequests({ ca, env, userAgent, signal }: HttpsOptions): SendRequest {
  // Connections are not kept: an order is a few requests in some weeks.
  const agent = new Agent({ keepAlive: false, ...(ca === undefined ? {} : { ca }), proxyEnv: { ...env } });
  const headers = { "user-agent": userAgent, "accept-language": "en" };
  return (wanted) =>
    new Promise((resolve, reject) => {
      const { method, url, body } = wanted;
      const failed = (error: unknown): void => reject(failure(error, url));
      const sent = request(
        url,
        {
          agent,
          method,
          signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
          headers:
            body === undefined
              ? headers
              : {
                  ...headers,
                  "content-type": "application/jose+json",
                  "content-length": Buffer.byteLength(body),
                },
        },
        (response) => {
          const chunks: Buffer[] = [];
          let length = 0;
          response.on("data", (chunk: Buffer) => {
            length += chunk.length;
            if (length > MAX_BODY_BYTES) response.destroy(new Error("the answer is too long"));
            else chunks.push(chunk);
          });
          response.on("error", failed);
          response.on("end", () =>
            resolve({
              status: response.statusCode ?? 0,
              headers: response.headers,
              body: Buffer.concat(chunks).toString("utf8"),
            }),
          );
        },
      );
      sent.on("error", failed);
      sent.end(body);
    });
}

const UNTRUSTED = /CERT|SELF_SIGNED|UNABLE_TO_(GET_ISSUER|VERIFY)|ERR_TLS_CERT|ERR_SSL_WRONG_VERSION|EPROTO/;

function failure(error: unknown, url: string): AcmeError {
  const { host } = new URL(url);
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  if (code === "CERT_NOT_YET_VALID" || code === "CERT_HAS_EXPIRED") {
    return new AcmeError(
      "acme_untrusted",
      `The certificate of the authority's server ${host} is not valid now (${code}): check this machine's clock.`,
      { cause: error },
    );
  }
  if (UNTRUSTED.test(code)) {
    return new AcmeError(
      "acme_untrusted",
      `The certificate of the authority's server ${host} is not trusted (${code}): a private authority's root belongs into --acme-ca.`,
      { cause: error },
    );
  }
  const why =
    error instanceof Error && error.name === "TimeoutError" ? "no answer within 30 s" : firstReason(error);
  return new AcmeError(
    "acme_unreachable",
    `The certificate authority's server ${host} can't be reached (${why}): check --acme-directory, the network and HTTPS_PROXY.`,
    { cause: error },
  );
}

/** Of a name with several addresses, what the first of them answered. */
function firstReason(error: unknown): string {
  return reasonOf(error instanceof AggregateError ? error.errors[0] : error);
}
