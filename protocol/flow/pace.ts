// Shares the event loop's time between the peers whose bytes it handles. Many messages are cheaper to send than to handle, so
// a single peer could keep everyone else waiting for as long as it likes. The bytes of each peer are therefore handled in
// pieces. Once a peer has used up its share of a turn, the rest of its bytes wait for a later turn, and its socket is paused.

/** The time that all peers together have in a turn, before the event loop handles everything else (ms). */
const TURN_MS = 2;
/** The time that one peer has in a turn (ms). A single piece may take longer, so pieces have to be small. */
const PEER_MS = 1;
/**
 * The time per byte that is not counted (ms): about what the byte costs its sender. Peers that send a lot at once, rather than
 * many small messages, are slowed by the network and by back-pressure; deferring their bytes would cost more than handling them.
 */
const FREE_MS_PER_BYTE = 10e-6;

export interface TurnsOptions {
  /** Milliseconds of a monotonic clock. */
  readonly now?: () => number;
  /** Calls back once the event loop has handled everything else. */
  readonly later?: (callback: () => void) => void;
}

/** The turns of one event loop: who has had time in this one, and who waits for the next. */
export class Turns {
  readonly now: () => number;
  readonly #later: (callback: () => void) => void;
  /** Those that wait: the first have had no time in the turn in which they came, the second have spent their share. */
  #new: Pace[] = [];
  #spent: Pace[] = [];
  #spentMs = 0;
  #isOpen = false;
  #number = 0;

  constructor({ now = () => performance.now(), later = setImmediate }: TurnsOptions = {}) {
    this.now = now;
    this.#later = later;
  }

  /** The number of the current turn, from 1. A turn begins with the first peer that has bytes. */
  get number(): number {
    if (!this.#isOpen) this.#begin();
    return this.#number;
  }

  get isOver(): boolean {
    return this.#spentMs >= TURN_MS;
  }

  spend(ms: number): void {
    this.#spentMs += ms;
  }

  /** Calls `pace.resume` in a later turn. */
  wait(pace: Pace): void {
    (pace.hadSome ? this.#spent : this.#new).push(pace);
  }

  #begin(): void {
    this.#isOpen = true;
    this.#number++;
    this.#spentMs = 0;
    this.#later(this.#next);
  }

  readonly #next = (): void => {
    this.#isOpen = false;
    const [first, second] = [this.#new, this.#spent];
    if (first.length + second.length === 0) return;
    this.#new = [];
    this.#spent = [];
    this.#begin();
    // Peers that want little go first; in every fourth turn they go last, so that they cannot shut out the others.
    this.#serve(this.#number % 4 === 0 ? [...second, ...first] : [...first, ...second], 0);
  };

  /** One after another: what a socket has kept for its peer is handled before the next peer's turn. */
  #serve(waiting: readonly Pace[], at: number): void {
    const pace = waiting[at];
    if (pace === undefined) return;
    if (this.isOver) {
      // They go before those that were served in this turn and wait again.
      const unserved = waiting.slice(at);
      this.#new = [...unserved.filter(({ hadSome }) => !hadSome), ...this.#new];
      this.#spent = [...unserved.filter(({ hadSome }) => hadSome), ...this.#spent];
      return;
    }
    pace.resume();
    // Streams resume with a tick as well. Microtasks would all run before the second stream's tick.
    process.nextTick(() => this.#serve(waiting, at + 1));
  }
}

const turnsOfThisProcess = new Turns();

/** Handles one peer's bytes in turns. One object without closures, since thousands of peers are idle. */
export abstract class Pace {
  readonly #turns: Turns;
  #turn = 0;
  #spentMs = 0;
  #isWaiting = false;
  /** Whether it had time in the turn in which it began to wait. */
  hadSome = false;

  constructor(turns: Turns = turnsOfThisProcess) {
    this.#turns = turns;
  }

  /** Where the piece of `data` that begins at `from` ends: after `from`, and at `data.length` at most. */
  protected abstract cut(data: Buffer, from: number): number;
  protected abstract take(piece: Buffer): void;
  /** Calls `run` again, with what the last call left. */
  protected abstract goOn(): void;

  /**
   * Handles `data` in pieces while there is time.
   * @returns how many bytes were handled; if some are left, `goOn` is called in a later turn
   */
  run(data: Buffer): number {
    if (this.#isWaiting) return 0;
    const turns = this.#turns;
    const turn = turns.number;
    if (turn !== this.#turn) {
      this.#turn = turn;
      this.#spentMs = 0;
    }
    let now = turns.now();
    let at = 0;
    while (at < data.length) {
      if (this.#spentMs >= PEER_MS || turns.isOver) {
        this.hadSome = this.#spentMs > 0;
        this.#isWaiting = true;
        turns.wait(this);
        break;
      }
      const end = this.cut(data, at);
      this.take(data.subarray(at, end));
      const after = turns.now();
      const spent = Math.max(0, after - now - (end - at) * FREE_MS_PER_BYTE);
      this.#spentMs += spent;
      turns.spend(spent);
      at = end;
      now = after;
    }
    return at;
  }

  resume(): void {
    this.#isWaiting = false;
    this.goOn();
  }
}
