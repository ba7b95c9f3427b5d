// An event stream to one client: first a snapshot of all workspaces, then changes. Changes are queued as
// workspace ids, and the workspace is read when its turn comes. So a slow client gets the newest state, and
// the gateway never holds more than one event for it.

import type { ServerResponse } from "node:http";
import type { SharedWithMe, Workspace, WorkspaceEvent } from "../../protocol/api.ts";
import type { TokenId, WorkspaceId } from "../../protocol/values/id.ts";

const PIECE_CHARACTERS = 32 * 1024;

interface EventStreamOptions {
  readonly tokenId: TokenId;
  readonly stallMs: number;
  readonly list: () => Promise<Workspace[]>;
  /** undefined: the workspace does not exist, or this account may not see it. */
  readonly find: (id: WorkspaceId) => Promise<Workspace | undefined>;
  /** The offers that wait for this account's answer. */
  readonly offers: () => Promise<SharedWithMe[]>;
  readonly onError: (error: unknown) => void;
  readonly onEnd: () => void;
}

export class EventStream {
  readonly tokenId: TokenId;
  readonly #response: ServerResponse;
  readonly #options: EventStreamOptions;
  readonly #queue = new Set<WorkspaceId | "offers">();
  readonly #known = new Set<string>();
  #state: "idle" | "sending" | "ended" = "sending";
  #blocked = false;

  constructor(response: ServerResponse, options: EventStreamOptions) {
    this.tokenId = options.tokenId;
    this.#response = response;
    this.#options = options;
  }

  start(): void {
    const response = this.#response;
    response.on("error", () => this.end());
    response.on("close", () => this.end());
    response.writeHead(200, {
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-store",
      "x-accel-buffering": "no",
      "x-content-type-options": "nosniff",
    });
    this.#run(() => this.#snapshot());
  }

  /** Whether the client may know of this workspace. While something is being sent, it may. */
  knows(id: WorkspaceId): boolean {
    return this.#known.has(id) || this.#state === "sending";
  }

  enqueue(id: WorkspaceId | "offers"): void {
    if (this.#state === "ended") return;
    this.#queue.add(id);
    if (this.#state === "sending") return;
    this.#state = "sending";
    this.#run(async () => undefined);
  }

  /** Sends a comment line, unless an event is being sent, which must not be interrupted. */
  beat(): void {
    if (this.#state !== "idle") return;
    // If heartbeats alone have filled the buffer, the client no longer reads.
    if (this.#response.writableNeedDrain) this.#response.destroy();
    else this.#response.write(": heartbeat\n\n");
  }

  end(): void {
    if (this.#state === "ended") return;
    this.#state = "ended";
    // For a client that does not read, `end` would wait for ever.
    if (this.#blocked) this.#response.destroy();
    else this.#response.end();
    this.#options.onEnd();
  }

  #run(first: () => Promise<void>): void {
    const work = async (): Promise<void> => {
      await first();
      for (const id of this.#queue) {
        if (this.#response.destroyed) return;
        this.#queue.delete(id);
        if (id === "offers") await this.#send({ type: "offers", offers: await this.#options.offers() });
        else await this.#sendState(id);
      }
      if (this.#state === "sending") this.#state = "idle";
    };
    work().catch((error: unknown) => {
      // Once the stream has ended the error does not matter; the database may be closed by then.
      if (this.#state === "ended") return;
      this.#options.onError(error);
      this.end();
    });
  }

  /** A snapshot may be large, so it is sent in pieces. */
  async #snapshot(): Promise<void> {
    const workspaces = await this.#options.list();
    let piece = 'retry: 2000\nevent: snapshot\ndata: {"workspaces":[';
    for (const [index, workspace] of workspaces.entries()) {
      this.#known.add(workspace.id);
      piece += `${index === 0 ? "" : ","}${JSON.stringify(workspace)}`;
      if (piece.length < PIECE_CHARACTERS) continue;
      await this.#write(piece);
      piece = "";
    }
    await this.#write(`${piece}]}\n\n`);
    const offers = await this.#options.offers();
    if (offers.length > 0) await this.#send({ type: "offers", offers });
  }

  async #sendState(id: WorkspaceId): Promise<void> {
    const workspace = await this.#options.find(id);
    if (workspace !== undefined) {
      this.#known.add(id);
      await this.#send({ type: "workspace", workspace });
    } else if (this.#known.delete(id)) {
      await this.#send({ type: "workspace-removed", id });
    }
  }

  async #send(event: WorkspaceEvent): Promise<void> {
    const { type, ...data } = event;
    await this.#write(`event: ${type}\ndata: ${JSON.stringify(data)}\n\n`);
  }

  /** Settles when the client is ready for more. A client that takes nothing for too long is dropped. */
  async #write(text: string): Promise<void> {
    if (this.#state === "ended" || this.#response.destroyed) return;
    if (this.#response.write(text)) return;
    this.#blocked = true;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#response.off("drain", done);
        this.#response.off("close", done);
        resolve();
      };
      const timer = setTimeout(() => this.#response.destroy(), this.#options.stallMs);
      this.#response.once("drain", done);
      this.#response.once("close", done);
    });
    this.#blocked = false;
  }
}
