// The state machine against a reference: whatever happens to the connections between two ends, each end hands on what the
// other one was given, in order, once, and then its end.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Effect, ResumeEnd } from "../../../../protocol/resume/end.ts";
import { encodeFrame, FRAME } from "../../../../protocol/resume/frame.ts";
import { GRACE_MS, WINDOW_MAX } from "../../../../protocol/resume/limits.ts";
import { ByteBudget } from "../../../../protocol/resume/outgoing.ts";

/** One of two ends, with what was written to it and what it has handed on. */
class Peer {
  readonly end: ResumeEnd;
  readonly written: number[] = [];
  readonly delivered: number[] = [];
  /** How many of them have been compared with what the other end wrote. */
  compared = 0;
  /** Bytes handed out that the reader has not taken. */
  untaken = 0;
  finished = false;
  ended = false;
  complete = false;
  broken = false;

  constructor(window: number) {
    this.end = new ResumeEnd({ window, budget: new ByteBudget(1 << 30) });
  }
}

class Pair {
  now = 0;
  readonly peers: readonly [Peer, Peer];
  /** In flight to peer 0 and to peer 1; undefined: no connection. */
  wires: [Buffer[], Buffer[]] | undefined;
  deaths = 0;
  /** Lost with the connection, or not yet there. */
  #next = 0;

  constructor(window: number) {
    this.peers = [new Peer(window), new Peer(window)];
  }

  run(side: 0 | 1, effects: readonly Effect[]): void {
    const peer = this.peers[side];
    for (const effect of effects) {
      switch (effect.kind) {
        case "send":
          this.wires?.[side === 0 ? 1 : 0].push(Buffer.from(effect.frame));
          break;
        case "deliver":
          peer.delivered.push(...effect.bytes);
          peer.untaken += effect.bytes.length;
          break;
        case "end":
          expect(peer.ended).toBe(false);
          peer.ended = true;
          break;
        case "complete":
          peer.complete = true;
          break;
        case "broken":
          peer.broken = true;
          break;
        case "dead":
          this.deaths++;
          this.cut();
          break;
        case "writable":
          break;
      }
    }
  }

  connect(): void {
    this.cut();
    this.wires = [[], []];
    const [a, b] = this.peers;
    const [positionA, positionB] = [a.end.position, b.end.position];
    this.run(0, a.end.attach(positionB, this.now));
    this.run(1, b.end.attach(positionA, this.now));
  }

  cut(): void {
    this.wires = undefined;
    for (const { end } of this.peers) end.detach();
  }

  write(side: 0 | 1, length: number): void {
    const peer = this.peers[side];
    if (peer.finished || !peer.end.hasRoom) return;
    const bytes = Buffer.from(Array.from({ length }, () => (this.#next = (this.#next * 31 + 7) % 251)));
    peer.written.push(...bytes);
    this.run(side, peer.end.write([bytes], this.now));
  }

  finish(side: 0 | 1): void {
    this.peers[side].finished = true;
    this.run(side, this.peers[side].end.finish(this.now));
  }

  /** One message arrives. */
  step(side: 0 | 1): void {
    const message = this.wires?.[side].shift();
    if (message !== undefined) this.run(side, this.peers[side].end.receive(message, this.now));
  }

  take(side: 0 | 1): void {
    const peer = this.peers[side];
    const bytes = peer.untaken;
    peer.untaken = 0;
    if (bytes > 0) this.run(side, peer.end.consumed(bytes, this.now));
  }

  wait(ms: number): void {
    this.now += ms;
    for (const side of [0, 1] as const) this.run(side, this.peers[side].end.tick(this.now));
  }

  check(): void {
    for (const [from, to] of [
      [this.peers[0], this.peers[1]],
      [this.peers[1], this.peers[0]],
    ] as const) {
      expect(to.broken).toBe(false);
      const { length } = to.delivered;
      expect(to.delivered.slice(to.compared)).toEqual(from.written.slice(to.compared, length));
      to.compared = length;
      if (to.ended) {
        expect(from.finished).toBe(true);
        expect(to.delivered.length).toBe(from.written.length);
      }
    }
  }

  /** No more cuts: everything gets through. */
  settle(): void {
    this.connect();
    for (const side of [0, 1] as const) this.finish(side);
    for (let i = 0; i < 20_000 && !this.peers.every(({ complete }) => complete); i++) {
      if (this.wires === undefined) this.connect();
      for (const side of [0, 1] as const) {
        this.step(side);
        this.take(side);
      }
      if (this.wires?.every((wire) => wire.length === 0) === true) this.wait(60);
    }
  }
}

const side = fc.constantFrom<(0 | 1)[]>(0, 1);
const event = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant("write" as const), side, length: fc.nat(3000) }) },
  { weight: 10, arbitrary: fc.record({ do: fc.constant("step" as const), side, times: fc.nat(8) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("take" as const), side }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("connect" as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("cut" as const) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("wait" as const), ms: fc.nat(60_000) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("finish" as const), side }) },
);

describe("any interleaving of writes, losses, delays, cuts, takeovers, sleeps and half-closes", () => {
  test("delivers each byte once and in order, and then the end", () => {
    fc.assert(
      fc.property(
        fc.array(event, { maxLength: 120 }),
        fc.constantFrom(256 * 1024, 4096, WINDOW_MAX),
        (events, window) => {
          const pair = new Pair(window);
          for (const happens of events) {
            switch (happens.do) {
              case "write":
                pair.write(happens.side, happens.length);
                break;
              case "step":
                for (let i = 0; i <= happens.times; i++) pair.step(happens.side);
                break;
              case "take":
                pair.take(happens.side);
                break;
              case "connect":
                pair.connect();
                break;
              case "cut":
                pair.cut();
                break;
              case "wait":
                pair.wait(happens.ms);
                break;
              case "finish":
                pair.finish(happens.side);
                break;
            }
            pair.check();
          }
          pair.settle();
          pair.check();
          for (const peer of pair.peers) {
            expect(peer).toMatchObject({ complete: true, ended: true });
            expect(peer.end.unacknowledged).toBe(0);
          }
        },
      ),
      { numRuns: 400 },
    );
  });
});

describe("an end alone", () => {
  const connected = (): Pair => {
    const pair = new Pair(WINDOW_MAX);
    pair.connect();
    return pair;
  };

  test("stops taking at its window, and says when there is room again", () => {
    const pair = connected();
    const [a] = pair.peers;
    let writes = 0;
    for (; a.end.hasRoom && writes < 10_000; writes++) a.end.write([Buffer.alloc(64 * 1024)], pair.now);
    expect(a.end.unacknowledged).toBeGreaterThanOrEqual(1024 * 1024 - 64 * 1024);
    expect(a.end.unacknowledged).toBeLessThanOrEqual(1024 * 1024 + 64 * 1024);
  });

  test("counts what small frames cost: single bytes fill the window long before they are a megabyte", () => {
    const pair = connected();
    const [a] = pair.peers;
    let writes = 0;
    for (; a.end.hasRoom && writes < 1_000_000; writes++) a.end.write([Buffer.alloc(1)], pair.now);
    expect(writes).toBeLessThan(5000);
  });

  test("has a window of 128 KiB once its process has no more room", () => {
    const budget = new ByteBudget(1);
    budget.add(1);
    const end = new ResumeEnd({ window: WINDOW_MAX, budget });
    end.attach({ received: 0, window: WINDOW_MAX }, 0);
    while (end.hasRoom) end.write([Buffer.alloc(16 * 1024)], 0);
    expect(end.unacknowledged).toBeLessThanOrEqual(144 * 1024);
    end.close();
    expect(budget.used).toBe(1);
  });

  test("tells of room again that was taken by the other streams of its process", () => {
    const budget = new ByteBudget(1024 * 1024);
    const end = new ResumeEnd({ window: WINDOW_MAX, budget });
    end.attach({ received: 0, window: WINDOW_MAX }, 0);
    end.write([Buffer.alloc(256 * 1024)], 0);
    expect(end.hasRoom).toBe(true);
    budget.add(1024 * 1024);
    expect(end.hasRoom).toBe(false);
    const ack = encodeFrame(FRAME.ack, 256 * 1024, 0);
    expect(end.receive(ack, 1).map(({ kind }) => kind)).toEqual(["writable"]);
  });

  test("grows its window with what a round trip takes in", () => {
    const pair = connected();
    const [a, b] = pair.peers;
    const roundTrip = 100;
    for (let i = 0; i < 10; i++) {
      while (a.end.hasRoom) pair.run(0, a.end.write([Buffer.alloc(64 * 1024)], pair.now));
      pair.now += roundTrip / 2;
      const wires = pair.wires;
      for (const message of wires?.[1].splice(0) ?? []) {
        for (const effect of b.end.receive(message, pair.now)) {
          if (effect.kind === "deliver") pair.run(1, b.end.consumed(effect.bytes.length, pair.now));
          else pair.run(1, [effect]);
        }
      }
      pair.now += roundTrip / 2;
      for (const message of wires?.[0].splice(0) ?? []) pair.run(0, a.end.receive(message, pair.now));
    }
    while (a.end.hasRoom) pair.run(0, a.end.write([Buffer.alloc(64 * 1024)], pair.now));
    expect(a.end.unacknowledged).toBeGreaterThan(WINDOW_MAX * 0.9);
    expect(a.end.roundTripMs).toBeGreaterThanOrEqual(roundTrip);
  });

  test("calls a connection dead after 45 s of silence, and after 10 s while bytes are owed", () => {
    const idle = connected();
    for (let s = 0; s < 44; s++) idle.wait(1000);
    // Both ping each other, but nothing arrives.
    expect(idle.deaths).toBe(0);
    idle.wait(1000);
    expect(idle.deaths).toBeGreaterThan(0);

    const owing = connected();
    owing.write(0, 10);
    for (let s = 0; s < 9; s++) owing.wait(1000);
    expect(owing.deaths).toBe(0);
    owing.wait(1000);
    expect(owing.deaths).toBe(1);
  });

  test("is more patient each time that nothing at all gets through", () => {
    const pair = connected();
    pair.write(0, 10);
    const seconds: number[] = [];
    for (let round = 0; round < 4; round++) {
      let s = 0;
      for (const before = pair.deaths; pair.deaths === before; s++) pair.wait(1000);
      seconds.push(s);
      pair.connect();
    }
    expect(seconds).toEqual([10, 20, 40, 45]);
  });

  test("asks for an answer within a second after a sleep, and keeps a connection that gives it", () => {
    const dead = connected();
    dead.wait(1000);
    dead.wait(120_000);
    expect(dead.deaths).toBe(0);
    dead.wait(1000);
    expect(dead.deaths).toBeGreaterThan(0);

    const alive = connected();
    alive.wait(1000);
    alive.wait(120_000);
    for (let i = 0; i < 4; i++) for (const one of [0, 1] as const) alive.step(one);
    alive.wait(1000);
    expect(alive.deaths).toBe(0);
  });

  test("acknowledges after 50 ms, or with what it sends", () => {
    const pair = connected();
    pair.write(0, 10);
    pair.step(1);
    pair.take(1);
    expect(pair.wires?.[0]).toHaveLength(0);
    expect(pair.peers[1].end.ackBy).toBe(50);
    pair.write(1, 1);
    expect(pair.peers[1].end.ackBy).toBeUndefined();
    pair.step(0);
    expect(pair.peers[0].end.unacknowledged).toBe(0);
  });

  test("holds nothing when it is closed, whatever was owed", () => {
    const budget = new ByteBudget(GRACE_MS);
    const end = new ResumeEnd({ window: WINDOW_MAX, budget });
    end.write([Buffer.alloc(100_000)], 0);
    expect(budget.used).toBeGreaterThan(100_000);
    end.close();
    expect(budget.used).toBe(0);
  });
});
