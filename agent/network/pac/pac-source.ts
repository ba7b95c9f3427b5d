// Reads a proxy script from where it is configured to be: a file, or a URL of the network's own, fetched without a proxy.

import { readFile, stat } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { CommandError } from "../../command.ts";
import { systemCode } from "../../files/private-file.ts";

export const MAX_SCRIPT_BYTES = 1024 * 1024;
const FETCH_TIMEOUT_MS = 5_000;

/**
 * @param source a path, or a URL with http, https or file
 * @throws CommandError stage `proxy`, code `pac_unreadable`; the signal's reason
 */
export async function readPacSource(source: string, from: string, signal: AbortSignal): Promise<string> {
  try {
    return /^https?:/i.test(source)
      ? await fetchScript(source, signal)
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

async function fetchScript(url: string, signal: AbortSignal): Promise<string> {
  const response = await fetch(url, {
    signal: AbortSignal.any([signal, AbortSignal.timeout(FETCH_TIMEOUT_MS)]),
  });
  if (!response.ok) throw new Error(`the answer was HTTP ${response.status}`);
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of response.body ?? []) {
    size += part.length;
    if (size > MAX_SCRIPT_BYTES) throw new Error("it is too large");
    parts.push(part);
  }
  return Buffer.concat(parts).toString("utf8");
}

function reason(error: Error): string {
  if (error.name === "TimeoutError") return `no answer within ${FETCH_TIMEOUT_MS / 1000} s`;
  const deepest = error.cause instanceof Error ? error.cause : error;
  const code = systemCode(deepest);
  return code === "EUNKNOWN" ? deepest.message : code;
}
