// Asks the gateway on this machine whether it is ready: for health checks in containers, which have neither a shell nor curl.

import { type IncomingMessage, get as overHttp } from "node:http";
import { get as overHttps } from "node:https";
import { Check } from "typebox/value";
import { ErrorBody } from "../../protocol/api.ts";
import { formatAddress, type ListenAddress } from "../address.ts";
import { reasonOf, StartError } from "./start-error.ts";

const TIMEOUT_MS = 5_000;
const MAX_ANSWER_BYTES = 16 * 1024;

/**
 * Asks for /readyz at the address that a gateway listens on; a wildcard address is asked at the loopback address.
 * @throws StartError stage `tcp`: nothing answers; stage `health`: the gateway is not ready, or something else answers
 */
export async function checkHealth({ host, port }: ListenAddress): Promise<void> {
  const reachable = host === "0.0.0.0" ? "127.0.0.1" : host === "::" ? "::1" : host;
  const where = formatAddress({ host: reachable, port });
  const { status, body } = await askEither(reachable, port).catch((error: unknown) => {
    throw new StartError("tcp", `No gateway answers at ${where} (${reasonOf(error)}).`, error);
  });
  if (status !== 200) {
    const said = messageOf(body);
    throw new StartError("health", `${where} answers with ${status}${said === undefined ? "" : `: ${said}`}`);
  }
}

interface Answer {
  readonly status: number | undefined;
  readonly body: string;
}

/** A server without TLS answers a TLS handshake with something that is not TLS, and is asked again in plain HTTP. */
async function askEither(host: string, port: number): Promise<Answer> {
  try {
    return await ask(overHttps, host, port);
  } catch (error) {
    if (isWithoutCertificate(error)) return { status: 200, body: "" };
    if (!isNotTls(error)) throw error;
    return await ask(overHttp, host, port);
  }
}

/**
 * A gateway with --acme that has no certificate yet refuses every handshake. It is as ready as it can be: what is held back
 * from traffic until it has one never gets one, since its authority has to reach it.
 */
function isWithoutCertificate(error: unknown): boolean {
  return error instanceof Error && /alert handshake failure/i.test(error.message);
}

function isNotTls(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  return code === "EPROTO" || code.startsWith("ERR_SSL_");
}

function ask(get: typeof overHttps, host: string, port: number): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const options = {
      host,
      port,
      path: "/readyz",
      agent: false,
      signal: AbortSignal.timeout(TIMEOUT_MS),
      // The certificate is for the public name. This is a question to a program of this machine, and carries no secret.
      rejectUnauthorized: false,
    };
    get(options, (response: IncomingMessage) => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (part: string) => {
        body += part;
        if (body.length > MAX_ANSWER_BYTES) response.destroy(new Error("the answer is too long"));
      });
      response.once("end", () => resolve({ status: response.statusCode, body }));
      response.once("error", reject);
    }).once("error", reject);
  });
}

/** The sentence in an error body of the gateway; undefined if something else answered. */
function messageOf(body: string): string | undefined {
  try {
    const value: unknown = JSON.parse(body);
    return Check(ErrorBody, value) ? value.message : undefined;
  } catch {
    // Not JSON: not a gateway's.
    return undefined;
  }
}
