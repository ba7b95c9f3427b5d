// All workspaces of the person who is signed in, live. One event stream serves all tabs of a browser, since HTTP/1.1 allows
// six connections: the tab that holds the lock reads the stream and tells the others.

import { signal } from "@preact/signals";
import type { SharedWithMe, Workspace, WorkspaceEvent } from "../protocol/api.ts";
import { withBase } from "./base.ts";
import { loadSession } from "./session.ts";

/** By id; undefined: not known yet. */
export const workspaces = signal<ReadonlyMap<string, Workspace> | undefined>(undefined);
/** Offers of other accounts to share a workspace with this one. */
export const offers = signal<readonly SharedWithMe[]>([]);
/** Whether changes arrive. */
export const stream = signal<"connecting" | "live" | "lost">("connecting");

const NAME = "sallyport-events";
const FIRST_RETRY_MS = 1_000;
const LAST_RETRY_MS = 30_000;
type Message =
  | { readonly kind: "event"; readonly event: WorkspaceEvent }
  | { readonly kind: "stream"; readonly state: typeof stream.value }
  /** A tab has opened and asks for what is known. */
  | { readonly kind: "hello" };

let stop: (() => void) | undefined;

/** Starts to follow; called when somebody is signed in. */
export function followWorkspaces(): void {
  if (stop !== undefined) return;
  const ended = new AbortController();
  const channel = new BroadcastChannel(NAME);
  stop = () => {
    ended.abort();
    channel.close();
  };
  let leading = false;
  channel.addEventListener("message", ({ data }: MessageEvent<Message>) => {
    if (data.kind === "hello") {
      if (leading) tellAll(channel);
    } else if (!leading) take(data);
  });
  const lead = (): Promise<void> => {
    leading = true;
    return readStream(ended.signal, (message) => {
      take(message);
      if (!ended.signal.aborted) channel.postMessage(message);
    });
  };
  channel.postMessage({ kind: "hello" } satisfies Message);
  // A rejection says that the wait was ended.
  navigator.locks.request(NAME, { signal: ended.signal }, lead).catch(() => undefined);
}

/** Forgets everything: the person signed out. */
export function unfollowWorkspaces(): void {
  stop?.();
  stop = undefined;
  workspaces.value = undefined;
  offers.value = [];
  stream.value = "connecting";
}

function tellAll(channel: BroadcastChannel): void {
  const tell = (message: Message) => channel.postMessage(message);
  if (workspaces.value !== undefined) {
    tell({ kind: "event", event: { type: "snapshot", workspaces: [...workspaces.value.values()] } });
  }
  tell({ kind: "event", event: { type: "offers", offers: [...offers.value] } });
  tell({ kind: "stream", state: stream.value });
}

function take(message: Message): void {
  if (message.kind === "stream") {
    stream.value = message.state;
    // The stream also ends with the session: then each tab goes to sign-in, at once.
    if (message.state === "lost") loadSession().catch(() => undefined);
  }
  if (message.kind !== "event") return;
  const { event } = message;
  if (event.type === "offers") offers.value = event.offers;
  else workspaces.value = applied(workspaces.value, event);
}

/** The workspaces after an event. */
export function applied(
  known: ReadonlyMap<string, Workspace> | undefined,
  event: Exclude<WorkspaceEvent, { type: "offers" }>,
): ReadonlyMap<string, Workspace> {
  if (event.type === "snapshot") return new Map(event.workspaces.map((one) => [one.id, one]));
  const next = new Map(known);
  if (event.type === "workspace") next.set(event.workspace.id, event.workspace);
  else next.delete(event.id);
  return next;
}

/** Reads the stream, and opens it again when it ends, until `signal`. */
async function readStream(signal: AbortSignal, tell: (message: Message) => void): Promise<void> {
  let wait = FIRST_RETRY_MS;
  while (!signal.aborted) {
    const lasted = await readOnce(signal, tell);
    if (signal.aborted) return;
    tell({ kind: "stream", state: "lost" });
    wait = lasted ? FIRST_RETRY_MS : Math.min(wait * 2, LAST_RETRY_MS);
    await delay(wait * (0.75 + Math.random() / 2), signal);
  }
}

/** Settles when the stream has ended. True: it had been open. */
function readOnce(signal: AbortSignal, tell: (message: Message) => void): Promise<boolean> {
  const source = new EventSource(withBase("/api/v1/events"));
  let opened = false;
  return new Promise((resolve) => {
    const end = (): void => {
      source.close();
      signal.removeEventListener("abort", end);
      resolve(opened);
    };
    signal.addEventListener("abort", end);
    source.addEventListener("open", () => {
      opened = true;
    });
    source.addEventListener("error", end);
    for (const type of ["snapshot", "workspace", "workspace-removed", "offers"] as const) {
      source.addEventListener(type, ({ data }: MessageEvent<string>) => {
        tell({ kind: "event", event: { type, ...JSON.parse(data) } });
        if (type === "snapshot") tell({ kind: "stream", state: "live" });
      });
    }
  });
}

function delay(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done, { once: true });
    function done(): void {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    }
  });
}
