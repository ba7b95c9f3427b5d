// The gateway's event stream, as the agent reads it: server-sent events (HTML Living Standard, §9.2) with a session event
// each. Unknown kinds are passed over, so that a newer gateway may send more.

import { Check, Clean } from "typebox/value";
import { SessionEvent } from "../protocol/api.ts";
import { CommandError } from "./command.ts";

/** A snapshot of 10,000 workspaces fits. */
const MAX_EVENT_CHARACTERS = 16 * 1024 * 1024;

/** Ends with the stream, or quietly when `signal` aborts. */
export async function* readSessionEvents(
  body: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): AsyncGenerator<SessionEvent> {
  try {
    for await (const { event, data } of readServerSentEvents(body)) {
      const parsed = parseSessionEvent(event, data);
      if (parsed !== undefined) yield parsed;
    }
  } catch (error) {
    if (signal.aborted) return;
    throw error instanceof CommandError
      ? error
      : new CommandError("http", "stream_cut", "The gateway's event stream was cut: run the command again.", {
          cause: error,
        });
  }
}

export function parseSessionEvent(event: string, data: string): SessionEvent | undefined {
  let value: unknown;
  try {
    value = JSON.parse(data);
  } catch (cause) {
    throw new CommandError("http", "bad_message", "The gateway sent an event that is not JSON.", { cause });
  }
  if (typeof value !== "object" || value === null) return undefined;
  const known: unknown = Clean(SessionEvent, { ...value, type: event });
  return Check(SessionEvent, known) ? known : undefined;
}

export interface ServerSentEvent {
  readonly event: string;
  readonly data: string;
}

/** Lines end with LF, CRLF or CR; an empty one ends an event; a colon first makes a comment. */
export async function* readServerSentEvents(
  body: AsyncIterable<Uint8Array>,
): AsyncGenerator<ServerSentEvent> {
  const decoder = new TextDecoder();
  let pending = "";
  let event = "";
  let data: string[] = [];
  let size = 0;
  for await (const part of body) {
    pending += decoder.decode(part, { stream: true });
    if (pending.length + size > MAX_EVENT_CHARACTERS) {
      throw new CommandError("http", "message_too_large", "The gateway sent an event that is too large.");
    }
    // A CR at the very end may be the first half of a CRLF.
    const end = pending.endsWith("\r") ? pending.length - 1 : pending.length;
    const lines = pending.slice(0, end).split(/\r\n|\n|\r/);
    pending = (lines.pop() ?? "") + pending.slice(end);
    for (const line of lines) {
      if (line === "") {
        if (data.length > 0) yield { event: event === "" ? "message" : event, data: data.join("\n") };
        event = "";
        data = [];
        size = 0;
        continue;
      }
      const colon = line.indexOf(":");
      const field = colon === -1 ? line : line.slice(0, colon);
      const value = colon === -1 ? "" : line.slice(colon + 1).replace(/^ /, "");
      if (field === "event") event = value;
      else if (field === "data") {
        data.push(value);
        size += value.length;
      }
    }
  }
}
