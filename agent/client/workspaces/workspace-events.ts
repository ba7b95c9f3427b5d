// The gateway's event stream, as the agent reads it: server-sent events (HTML Living Standard, §9.2) with a workspace
// event each. Unknown kinds are skipped, so that a newer gateway may send more.

import { Compile } from "typebox/compile";
import { Clean } from "typebox/value";
import { WorkspaceEvent } from "../../../protocol/api.ts";
import { CommandError } from "../../platform/command-error.ts";

/** A snapshot of 10,000 workspaces fits. */
const MAX_EVENT_CHARACTERS = 16 * 1024 * 1024;

/** Ends with the stream, or quietly when `signal` aborts. */
export async function* readWorkspaceEvents(
  body: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): AsyncGenerator<WorkspaceEvent> {
  try {
    for await (const { event, data } of readServerSentEvents(body)) {
      const parsed = parseWorkspaceEvent(event, data);
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

export function parseWorkspaceEvent(event: string, data: string): WorkspaceEvent | undefined {
  let value: unknown;
  try {
    value = JSON.parse(data);
  } catch (cause) {
    throw new CommandError("http", "bad_message", "The gateway sent an event that is not JSON.", { cause });
  }
  const schema = WorkspaceEvent.anyOf.find(({ properties }) => properties.type.const === event);
  if (schema === undefined || typeof value !== "object" || value === null) return undefined;
  const known: unknown = Clean(schema, { ...value, type: event });
  return checkOf(schema).Check(known) ? known : undefined;
}

type Schema = (typeof WorkspaceEvent.anyOf)[number];
const compiled = new Map<Schema, { Check(value: unknown): value is WorkspaceEvent }>();

/** Compiled checks are ten times as fast: uncompiled, a snapshot of 1,000 workspaces takes a tenth of a second. */
function checkOf(schema: Schema): { Check(value: unknown): value is WorkspaceEvent } {
  const known = compiled.get(schema);
  if (known !== undefined) return known;
  const check = Compile(schema);
  compiled.set(schema, check);
  return check;
}

interface ServerSentEvent {
  readonly event: string;
  readonly data: string;
}

/** Lines end with LF, CRLF or CR. An empty line ends an event; a line that begins with a colon is a comment. */
export async function* readServerSentEvents(
  body: AsyncIterable<Uint8Array>,
): AsyncGenerator<ServerSentEvent> {
  const decoder = new TextDecoder();
  let pending = "";
  /** A CR at the end of a part, which may be the first half of a CRLF. */
  let held = "";
  let event = "";
  let data: string[] = [];
  let size = 0;
  for await (const part of body) {
    let text = held + decoder.decode(part, { stream: true });
    held = text.endsWith("\r") ? "\r" : "";
    text = text.slice(0, text.length - held.length);
    if (pending.length + text.length + size > MAX_EVENT_CHARACTERS) {
      throw new CommandError("http", "message_too_large", "The gateway sent an event that is too large.");
    }
    const ends = /[\r\n]/.test(text);
    pending += text;
    // A snapshot is one long line in many parts: splitting all of it for each part would take quadratic time.
    if (!ends) continue;
    const lines = pending.split(/\r\n|\n|\r/);
    pending = lines.pop() ?? "";
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
