// Who is served when, by a clock and an event loop that stand still until they are told.

import { Readable } from "node:stream";
import { expect, test } from "vitest";
import { Pace, Turns } from "../../../../protocol/flow/pace.ts";

/** What a byte costs is its value (µs). */
class Peer extends Pace {
  readonly name: string;
  readonly #loop: Loop;
  #rest = Buffer.alloc(0);

  constructor(name: string, loop: Loop) {
    super(loop.turns);
    this.name = name;
    this.#loop = loop;
  }

  receive(bytes: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, bytes]);
    this.goOn();
  }

  get left(): number {
    return this.#rest.length;
  }

  protected cut(_data: Buffer, from: number): number {
    return from + 1;
  }

  protected take(piece: Buffer): void {
    this.#loop.now += (piece[0] ?? 0) / 1000;
    this.#loop.served.push(this.name);
  }

  protected goOn(): void {
    this.#rest = this.#rest.subarray(this.run(this.#rest));
  }
}

/** 64 KiB at once, of which each byte costs 5 ns. */
class Bulk extends Peer {
  readonly #bulkLoop: Loop;

  constructor(loop: Loop) {
    super("b", loop);
    this.#bulkLoop = loop;
  }

  protected override cut(data: Buffer, from: number): number {
    return Math.min(data.length, from + 64 * 1024);
  }

  protected override take(piece: Buffer): void {
    this.#bulkLoop.now += piece.length * 5e-6;
  }
}

class Loop {
  now = 0;
  served: string[] = [];
  readonly #later: (() => void)[] = [];
  readonly turns = new Turns({ now: () => this.now, later: (callback) => this.#later.push(callback) });

  peer(name: string): Peer {
    return new Peer(name, this);
  }

  /** What was served, by whom and how often one after the other. */
  runs(): string {
    const served = this.served.splice(0).join("");
    return served.replaceAll(/(.)\1*/g, (run) => `${run[0]}${run.length} `).trim();
  }

  async turn(): Promise<void> {
    for (const callback of this.#later.splice(0)) callback();
    // Those that wait are served in ticks, as streams that resume are.
    await new Promise((resolve) => setImmediate(resolve));
  }

  get isQuiet(): boolean {
    return this.#later.length === 0;
  }
}

/** A little over a quarter of what a peer has of a turn. */
const COSTLY = 251;
const flood = Buffer.alloc(1_000, COSTLY);
const one = Buffer.alloc(1, COSTLY);

test("a peer has 1 ms per turn, and continues in the next ones until everything is handled", async () => {
  const loop = new Loop();
  const a = loop.peer("a");
  a.receive(flood.subarray(0, 10));
  expect(loop.runs()).toBe("a4");
  await loop.turn();
  expect(loop.runs()).toBe("a4");
  await loop.turn();
  expect(loop.runs()).toBe("a2");
  expect(a.left).toBe(0);
  await loop.turn();
  expect(loop.isQuiet).toBe(true);
});

test("bytes that cost no more than they must are never put aside, however many", () => {
  const loop = new Loop();
  const bulk = new Bulk(loop);
  bulk.receive(Buffer.alloc(50_000_000));
  expect(bulk.left).toBe(0);
  expect(loop.now).toBeGreaterThan(200);
});

test("all peers together have 2 ms, and take turns in them", async () => {
  const loop = new Loop();
  const peers = ["a", "b", "c"].map((name) => loop.peer(name));
  for (const peer of peers) peer.receive(flood);
  expect(loop.runs()).toBe("a4 b4");
  const order: string[] = [];
  for (let i = 0; i < 30; i++) {
    await loop.turn();
    order.push(loop.runs());
  }
  // None waits for more than a turn or two.
  const shares = peers.map(({ left }) => flood.length - left);
  expect(Math.max(...shares) - Math.min(...shares)).toBeLessThanOrEqual(8);
  expect(order.join(" ")).not.toMatch(/(\w)4 \1/);
});

test("a peer that wants little is served before those that want much, in the same turn", async () => {
  const loop = new Loop();
  const greedy = ["a", "b", "c", "d"].map((name) => loop.peer(name));
  for (const peer of greedy) peer.receive(flood);
  await loop.turn();
  loop.runs();
  const modest = loop.peer("m");
  modest.receive(one);
  await loop.turn();
  expect(loop.runs()).toMatch(/^m1 /);
});

test("peers that want little do not shut one out that wants much", async () => {
  const loop = new Loop();
  const greedy = loop.peer("g");
  greedy.receive(flood);
  const before = greedy.left;
  const modest = Array.from("abcdefghijklmnop", (name) => loop.peer(name));
  for (let i = 0; i < 40; i++) {
    for (const peer of modest) peer.receive(one);
    await loop.turn();
  }
  expect(before - greedy.left).toBeGreaterThan(8);
});

/** Whose bytes come from a stream and are put back there while they wait, as those of sockets are. */
class StreamPeer extends Pace {
  asked = 0;
  readonly #name: string;
  readonly #loop: Loop;
  readonly #stream = new Readable({ read: () => undefined });

  constructor(name: string, loop: Loop) {
    super(loop.turns);
    this.#name = name;
    this.#loop = loop;
    this.#stream.on("data", (data: Buffer) => {
      const taken = this.run(data);
      if (taken === data.length) return;
      this.#stream.pause();
      this.#stream.unshift(data.subarray(taken));
    });
  }

  receive(bytes: Buffer): void {
    this.#stream.push(bytes);
  }

  protected cut(_data: Buffer, from: number): number {
    return from + 1;
  }

  protected take(piece: Buffer): void {
    this.#loop.now += (piece[0] ?? 0) / 1000;
    this.#loop.served.push(this.#name);
  }

  protected goOn(): void {
    this.asked++;
    this.#stream.resume();
  }
}

test("a turn that is over asks no stream that waits, and keeps those that want much behind those that want little", async () => {
  const loop = new Loop();
  const greedy = ["a", "b", "c", "d", "e", "f"].map((name) => new StreamPeer(name, loop));
  for (const peer of greedy) peer.receive(flood);
  const turn = async (): Promise<string> => {
    for (const peer of greedy) peer.asked = 0;
    await loop.turn();
    return loop.runs();
  };
  expect([await turn(), await turn(), await turn(), await turn()]).toEqual([
    "a4 b4",
    "c4 d4",
    "e4 f4",
    "a4 b4",
  ]);
  expect(greedy.map(({ asked }) => asked)).toEqual([1, 1, 0, 0, 0, 0]);
  const modest = new StreamPeer("m", loop);
  modest.receive(one);
  expect([await turn(), await turn()].join(" ")).toMatch(/m1 /);
});

test("bytes that arrive while a peer waits for its turn wait too, in order", async () => {
  const loop = new Loop();
  const a = loop.peer("a");
  a.receive(flood.subarray(0, 6));
  expect(a.left).toBe(2);
  a.receive(one);
  expect(a.left).toBe(3);
  expect(loop.runs()).toBe("a4");
  await loop.turn();
  expect(a.left).toBe(0);
});
