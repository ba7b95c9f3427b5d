// What one gateway says about its workspaces, kept up to date for as long as somebody looks: the event stream, dialled
// again with back-off after each loss. The last list stays while the gateway is out of reach.

import type { SharedWithMe, Workspace, WorkspaceEvent } from "../../../protocol/api.ts";
import { backoff } from "../../../protocol/flow/backoff.ts";
import { CommandError } from "../../platform/command-error.ts";

export type FeedState =
  | { readonly kind: "loading" }
  | { readonly kind: "online" }
  /** It is tried again by itself. */
  | { readonly kind: "offline"; readonly message: string; readonly retryInMs: number }
  /** The token is no longer valid: nothing happens until there is a new one. */
  | { readonly kind: "signed-out"; readonly code: string; readonly message: string }
  /** What answers is not a gateway, or not one that this version understands. It is tried again, rarely. */
  | { readonly kind: "error"; readonly message: string; readonly retryInMs: number };

/** The part of the gateway's API that a feed needs. */
export interface FeedSource {
  /** The event stream until `signal` aborts. */
  events(signal: AbortSignal): Promise<AsyncIterable<Uint8Array>>;
  /** The list alone, for an account that has too many streams open. */
  workspaces(signal: AbortSignal): Promise<readonly Workspace[]>;
  /** Turns the stream's bytes into events. */
  read(body: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncIterable<WorkspaceEvent>;
}

interface FeedClock {
  random(): number;
  /** Resolves after `ms`, or at once when `signal` aborts. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

/** The gateway sends a heartbeat every 20 s: after three without a byte the connection is dead. */
const SILENCE_MS = 65_000;
const ERROR_RETRY_MS = 60_000;
const POLL_MS = 30_000;

export class GatewayFeed {
  readonly #source: FeedSource;
  readonly #clock: FeedClock;
  readonly #onChange: () => void;
  readonly #stop = new AbortController();
  #wake = new AbortController();
  #running = false;
  #failures = 0;
  #state: FeedState = { kind: "loading" };
  #workspaces: ReadonlyMap<string, Workspace> = new Map();
  #offers: ReadonlyMap<string, SharedWithMe> = new Map();
  #known = false;

  constructor(source: FeedSource, onChange: () => void, clock: FeedClock = REAL_CLOCK) {
    this.#source = source;
    this.#onChange = onChange;
    this.#clock = clock;
  }

  get state(): FeedState {
    return this.#state;
  }

  /** By id. */
  get workspaces(): ReadonlyMap<string, Workspace> {
    return this.#workspaces;
  }

  /** Workspaces that other accounts offer and that wait for an answer, by id. */
  get offers(): ReadonlyMap<string, SharedWithMe> {
    return this.#offers;
  }

  /** Whether the list has been received at least once. */
  get known(): boolean {
    return this.#known;
  }

  /** Starts the feed. Does nothing when it runs already. */
  start(): void {
    if (this.#running || this.#stop.signal.aborted) return;
    this.#running = true;
    void this.#run();
  }

  /** Tries at once, without waiting for the back-off. */
  retry(): void {
    this.#failures = 0;
    this.#wake.abort();
    this.start();
  }

  dispose(): void {
    this.#stop.abort();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      const waitMs = await this.#once();
      if (signal.aborted || waitMs === undefined) break;
      this.#wake = new AbortController();
      await this.#clock.sleep(waitMs, AbortSignal.any([signal, this.#wake.signal]));
    }
    this.#running = false;
  }

  /** Runs one connection. Returns how long to wait before the next one, in ms; undefined when there is no next one. */
  async #once(): Promise<number | undefined> {
    const { signal } = this.#stop;
    const silence = new Silence(signal);
    try {
      const body = await this.#source.events(silence.signal);
      for await (const event of this.#source.read(silence.watch(body), silence.signal)) {
        this.#failures = 0;
        this.#apply(event);
      }
      // A clean end: the gateway restarts, or the token is no longer valid, which the next try shows.
      return this.#lost("The gateway ended the connection.");
    } catch (error) {
      if (signal.aborted) return undefined;
      if (error instanceof CommandError && error.code === "rate_limited") return await this.#poll();
      return this.#failed(error);
    } finally {
      silence.end();
    }
  }

  async #poll(): Promise<number | undefined> {
    try {
      const workspaces = await this.#source.workspaces(this.#stop.signal);
      this.#apply({ type: "snapshot", workspaces: [...workspaces] });
      return POLL_MS;
    } catch (error) {
      return this.#stop.signal.aborted ? undefined : this.#failed(error);
    }
  }

  #failed(error: unknown): number | undefined {
    const message = error instanceof Error ? error.message : String(error);
    if (error instanceof CommandError && error.stage === "sign-in") {
      this.#become({ kind: "signed-out", code: error.code, message });
      return undefined;
    }
    if (error instanceof CommandError && error.stage === "http" && error.code !== "stream_cut") {
      this.#failures += 1;
      // A proxy answers with an error page while the gateway behind it restarts, so the first tries come soon.
      const retryInMs = Math.min(ERROR_RETRY_MS, 4 * backoff(this.#failures, this.#clock.random()));
      this.#become({ kind: "error", message, retryInMs });
      return retryInMs;
    }
    return this.#lost(message);
  }

  #lost(message: string): number {
    this.#failures += 1;
    const retryInMs = backoff(this.#failures, this.#clock.random());
    // One short interruption is not reported.
    if (this.#failures > 1 || !this.#known) this.#become({ kind: "offline", message, retryInMs });
    return retryInMs;
  }

  #apply(event: WorkspaceEvent): void {
    if (event.type === "offers") {
      this.#offers = new Map(event.offers.map((offer) => [offer.id, offer]));
      this.#onChange();
      return;
    }
    // The offers that are still open follow the snapshot.
    if (event.type === "snapshot") this.#offers = new Map();
    const next = new Map(event.type === "snapshot" ? [] : this.#workspaces);
    if (event.type === "snapshot")
      for (const workspace of event.workspaces) next.set(workspace.id, workspace);
    else if (event.type === "workspace") next.set(event.workspace.id, event.workspace);
    else next.delete(event.id);
    this.#workspaces = next;
    this.#known = true;
    this.#state = { kind: "online" };
    this.#onChange();
  }

  #become(state: FeedState): void {
    this.#state = state;
    this.#onChange();
  }
}

/** Aborts a stream on which nothing has arrived for too long: a lost network does not report an error. */
class Silence {
  readonly #controller = new AbortController();
  readonly signal: AbortSignal;
  #timer: NodeJS.Timeout | undefined;

  constructor(stop: AbortSignal) {
    this.signal = AbortSignal.any([stop, this.#controller.signal]);
    this.#heard();
  }

  async *watch(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const part of body) {
      this.#heard();
      yield part;
    }
  }

  end(): void {
    clearTimeout(this.#timer);
    // Closes the connection, also when reading ended early.
    this.#controller.abort();
  }

  #heard(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(
      () => this.#controller.abort(new Error("Nothing arrived for a minute.")),
      SILENCE_MS,
    );
    this.#timer.unref();
  }
}

const REAL_CLOCK: FeedClock = {
  random: Math.random,
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      const timer = setTimeout(done, ms);
      signal.addEventListener("abort", done, { once: true });
      if (signal.aborted) done();
      function done(): void {
        clearTimeout(timer);
        signal.removeEventListener("abort", done);
        resolve();
      }
    }),
};
