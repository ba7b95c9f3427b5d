// The order of requests. Clients pipeline, and rely on results as if requests ran one after the other (§6.1: "requests on
// the same file"). Requests that cannot affect each other run in parallel; the others wait for their turn. Answers about
// one handle are sent in the order of their requests in any case: OpenSSH's scp truncates a file at the first answer to a
// READ that overtakes an earlier one.

/** What a request touches. */
export interface Access {
  /** The handles it works on; undefined for one that works on paths, which may lead to any file. */
  readonly handles: readonly number[] | undefined;
  /** It changes something (or moves a position), so that no other may run at the same time on the same file. */
  readonly exclusive: boolean;
}

interface Entry {
  readonly access: Access;
  readonly bytes: number;
  readonly run: Work;
  /** Set when the work is done and the answer waits for its turn. */
  deliver: (() => void) | undefined;
}

/** Does a request's work and returns what sends its answer. Never rejects. */
type Work = () => Promise<() => void>;

/** Whether two requests have to run in their order. */
export function conflict(a: Access, b: Access): boolean {
  if (!a.exclusive && !b.exclusive) return false;
  if (a.handles === undefined || b.handles === undefined) return true;
  return shareHandle(a, b);
}

function shareHandle(a: Access, b: Access): boolean {
  return a.handles?.some((handle) => b.handles?.includes(handle)) ?? false;
}

interface QueueLimits {
  /** Requests taken and not yet answered. */
  readonly requests: number;
  /** Bytes of the packets among them. */
  readonly bytes: number;
  /** Requests that run at the same time. */
  readonly running: number;
}

/** Runs requests in an order that the client cannot tell from the one it sent them in. */
export class RequestQueue {
  readonly #limits: QueueLimits;
  readonly #mayStart: () => boolean;
  readonly #onDone: () => void;
  readonly #waiting: Entry[] = [];
  /** Started and not yet answered, in the order of their start; for one handle that is the order of its requests. */
  readonly #running: Entry[] = [];
  readonly #idle: (() => void)[] = [];
  #bytes = 0;

  /**
   * @param mayStart whether there is room for answers; once there is room again, `advance` must be called
   * @param onDone is called after each request, when there may be room for the next
   */
  constructor(limits: QueueLimits, mayStart: () => boolean, onDone: () => void) {
    this.#limits = limits;
    this.#mayStart = mayStart;
    this.#onDone = onDone;
  }

  get size(): number {
    return this.#waiting.length + this.#running.length;
  }

  /** Whether another request may be taken from the channel. */
  get hasRoom(): boolean {
    return this.size < this.#limits.requests && this.#bytes < this.#limits.bytes;
  }

  add(access: Access, bytes: number, run: Work): void {
    this.#waiting.push({ access, bytes, run, deliver: undefined });
    this.#bytes += bytes;
    this.advance();
  }

  /** Forgets all that has not started. */
  clear(): void {
    for (const entry of this.#waiting.splice(0)) this.#bytes -= entry.bytes;
  }

  /** Resolves when nothing runs. */
  idle(): Promise<void> {
    if (this.#running.length === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#idle.push(resolve);
    });
  }

  /** Starts what may start. */
  advance(): void {
    let at = 0;
    while (at < this.#waiting.length && this.#running.length < this.#limits.running && this.#mayStart()) {
      const entry = this.#waiting[at];
      if (entry === undefined) return;
      if (this.#blocked(entry, at)) {
        at++;
      } else {
        this.#waiting.splice(at, 1);
        this.#start(entry);
      }
    }
  }

  #blocked(entry: Entry, at: number): boolean {
    if (this.#running.some((other) => conflict(other.access, entry.access))) return true;
    return this.#waiting.some((other, index) => index < at && conflict(other.access, entry.access));
  }

  #start(entry: Entry): void {
    this.#running.push(entry);
    entry.run().then(
      (deliver) => {
        entry.deliver = deliver;
        this.#deliver();
      },
      (error: unknown) => {
        // `run` never rejects: this is a bug, which must be noticed.
        throw error;
      },
    );
  }

  #deliver(): void {
    for (let at = 0; at < this.#running.length; ) {
      const entry = this.#running[at];
      const { access, deliver, bytes } = entry ?? {};
      const overtakes = this.#running.some(
        (other, index) => index < at && access !== undefined && shareHandle(other.access, access),
      );
      if (deliver === undefined || overtakes) {
        at++;
        continue;
      }
      this.#running.splice(at, 1);
      this.#bytes -= bytes ?? 0;
      deliver();
    }
    this.advance();
    this.#onDone();
    if (this.#running.length > 0) return;
    for (const resolve of this.#idle.splice(0)) resolve();
  }
}
