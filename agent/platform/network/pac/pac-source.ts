// Reads a proxy script from a file, or from a URL, which is fetched without a proxy.

import { readFile, stat } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { CommandError } from "../../command-error.ts";
import { systemCode } from "../../files/private-file.ts";
import { sendRequest } from "../http-request.ts";
import type { Network } from "../network.ts";

const MAX_SCRIPT_BYTES = 1024 * 1024;
const FETCH_TIMEOUT_MS = 5_000;
const MAX_REDIRECTS = 5;

/**
 * @param source a path, or a URL with http, https or file
 * @param network fetches a URL: without a proxy, since the script is to name that
 * @throws CommandError stage `proxy`, code `pac_unreadable`; the signal's reason
 */
export async function readPacSource(
  source: string,
  from: string,
  network: Network,
  signal: AbortSignal,
): Promise<string> {
  try {
    return /^https?:/i.test(source)
      ? await fetchScript(source, network, signal)
      : await readScript(/^file:/i.test(source) ? fileURLToPath(source) : source);
  } catch (cause) {
    if (signal.aborted) throw signal.reason;
    const why = cause instanceof Error ? reason(cause) : String(cause);
    const message = `The proxy script that ${from} names cannot be read: ${why}.`;
    throw new CommandError("proxy", "pac_unreadable", message, { cause });
  }
}

async function readScript(path: string): Promise<string> {
  if ((await stat(path)).size > MAX_SCRIPT_BYTES) throw new Error("it is too large");
  return await readFile(path, "utf8");
}

/** An attacker who can change the script can send all traffic through their proxy: https is verified here as everywhere. */
async function fetchScript(source: string, network: Network, given: AbortSignal): Promise<string> {
  const signal = AbortSignal.any([given, AbortSignal.timeout(FETCH_TIMEOUT_MS)]);
  let url = new URL(source);
  for (let redirects = 0; ; redirects++) {
    const answer = await sendRequest({ url, method: "GET", headers: {}, body: undefined, signal }, network);
    const location = answer.header("location");
    if (answer.status >= 200 && answer.status < 300) return await readAll(answer.body);
    if (answer.status < 300 || answer.status > 399 || location === undefined || redirects === MAX_REDIRECTS)
      throw new Error(`the answer was HTTP ${answer.status}`);
    url = new URL(location, url);
    if (!/^https?:$/.test(url.protocol)) throw new Error(`it redirects to a ${url.protocol} URL`);
  }
}

async function readAll(body: AsyncIterable<Uint8Array>): Promise<string> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of body) {
    size += part.length;
    if (size > MAX_SCRIPT_BYTES) throw new Error("it is too large");
    parts.push(part);
  }
  return Buffer.concat(parts).toString("utf8");
}

function reason(error: Error): string {
  if (error.name === "TimeoutError") return `no answer within ${FETCH_TIMEOUT_MS / 1000} s`;
  const code = systemCode(error);
  // The message of a failed connection already contains its code.
  if (error instanceof CommandError) return error.message.replace(/\.$/, "");
  return code === "EUNKNOWN" ? error.message : code;
}
