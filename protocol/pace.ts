// Shares the time of the event loop among the peers whose bytes are handled in it. Many messages are cheaper to send than to
// handle: a peer that sends nothing else would keep everyone else waiting for as long as it likes. So the bytes of each peer
// are handled piece by piece, and once its share of a turn is spent, the rest waits for a later turn, and its socket with it.

/** What all peers together may take before the event loop looks at everything else again (ms). */
const TURN_MS = 2;
/** What one of them may take of that (ms). A single piece may take longer: pieces have to be small. */
const PEER_MS = 1;
/**
 * What a byte may take for nothing (ms): as much as it costs its sender. Those who send much at once, and not many small things,
 * are slowed by the network and by back-pressure, and to put their bytes aside would cost more than to handle them.
 */
const FREE_MS_PER_BYTE = 10e-6;

export interface TurnsOptions {
  /** Milliseconds of a clock that does not go back. */
  readonly now?: () => number;
  /** Calls back once the event loop has looked at everything else. */
  readonly later?: (callback: () => void) => void;
}

/** The turns of one event loop. */
export class Turns {
  readonly now: () => number;
  readonly #later: (callback: () => void) => void;
  /** Waiting: those that have had nothing of the turn in which they came, and those that have spent their share. */
  #new: Pace[] = [];
  #spent: Pace[] = [];
  #spentMs = 0;
  #isOpen = false;
  #number = 0;

  constructor({ now = () => performance.now(), later = setImmediate }: TurnsOptions = {}) {
    this.now = now;
    this.#later = later;
  }

  /** Which turn it is, from 1. It begins with the first peer that has something. */
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

  /** `resume` of this pace is called in a later turn. */
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
    // Those that want little go first. Those that want much are not shut out by them, however many there are.
    this.#serve(this.#number % 4 === 0 ? [...second, ...first] : [...first, ...second], 0);
  };

  /** One after the other: what a socket has kept for its peer is handled before the next one is asked. */
  #serve(waiting: readonly Pace[], at: number): void {
    const pace = waiting[at];
    if (pace === undefined) return;
    if (this.isOver) {
      // Before those that were served in this turn and wait again.
      const unserved = waiting.slice(at);
      this.#new = [...unserved.filter(({ hadSome }) => !hadSome), ...this.#new];
      this.#spent = [...unserved.filter(({ hadSome }) => hadSome), ...this.#spent];
      return;
    }
    pace.resume();
    // Streams resume by ticks too. Microtasks would all come before the tick of the second stream.
    process.nextTick(() => this.#serve(waiting, at + 1));
  }
}

const turnsOfThisProcess = new Turns();

/** The pace at which one peer's bytes are handled. One object and no closures: thousands of peers are idle. */
export abstract class Pace {
  readonly #turns: Turns;
  #turn = 0;
  #spentMs = 0;
  #isWaiting = false;
  /** It had handled something in the turn in which it began to wait. */
  hadSome = false;

  constructor(turns: Turns = turnsOfThisProcess) {
    this.#turns = turns;
  }

  /** Where the piece of `data` ends that begins at `from`: past `from`, and at `data.length` at most. */
  protected abstract cut(data: Buffer, from: number): number;
  protected abstract take(piece: Buffer): void;
  /** Hands what `run` has left to it once more. */
  protected abstract goOn(): void;

  /** Takes `data`, piece by piece, while there is time. Returns how much; where some is left, `goOn` is called later. */
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
