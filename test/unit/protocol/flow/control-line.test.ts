import { expect, test } from "vitest";
import { ControlLine } from "../../../../protocol/flow/control-line.ts";
import { OPEN } from "../../../../protocol/web-socket/web-socket.ts";

/** A peer that reads when it is told to. */
class Socket {
  readyState: number = OPEN;
  readonly sent: string[] = [];
  #unread: (() => void)[] = [];

  send(text: string, done: () => void): void {
    this.sent.push(text);
    this.#unread.push(done);
  }

  read(): void {
    for (const done of this.#unread.splice(0)) done();
  }

  pause(): void {}

  terminate(): void {
    this.readyState = 3;
  }
}

function line(options: { maxWaiting?: number; now?: () => number } = {}) {
  const socket = new Socket();
  const it = new ControlLine<{ type: string; text?: string }>(socket, {
    maxWaiting: 100 * 1024,
    burst: 10,
    perSecond: 2,
    ...options,
  });
  return { socket, it };
}

test("a peer that pings and does not read is owed one pong more than the one on its way", () => {
  const { socket, it } = line();
  for (let i = 0; i < 100_000; i++) expect(it.send({ type: "pong" })).toBe(true);
  expect(socket.sent).toHaveLength(1);
  socket.read();
  expect(socket.sent).toHaveLength(2);
  socket.read();
  expect(socket.sent).toHaveLength(2);
});

test("what waits is counted by what it costs: small messages end a connection that is not read", () => {
  const { socket, it } = line();
  let sent = 0;
  while (it.send({ type: "refuse" })) sent++;
  expect(sent).toBeLessThanOrEqual(100);
  expect(socket.readyState).not.toBe(OPEN);
});

test("a peer that reads may be sent any number", () => {
  const { socket, it } = line();
  for (let i = 0; i < 1_000; i++) {
    expect(it.send({ type: "open", text: "x".repeat(500) })).toBe(true);
    socket.read();
  }
  expect(socket.sent).toHaveLength(1_000);
});

test("a peer says so much at once, so much each second, and an answer to each message that it gets", () => {
  let now = 0;
  const { it } = line({ now: () => now });
  const listen = (): void => it.received(20);
  for (let i = 0; i < 10; i++) listen();
  expect(listen).toThrow(expect.objectContaining({ code: "rate_limited" }));
  now += 5_000;
  for (let i = 0; i < 9; i++) listen();
  expect(listen).toThrow(expect.objectContaining({ code: "rate_limited" }));
  now += 1_000;
  for (let i = 0; i < 4; i++) it.send({ type: "open" });
  for (let i = 0; i < 5; i++) listen();
  expect(listen).toThrow(expect.objectContaining({ code: "rate_limited" }));
  // Answers earn nothing.
  it.send({ type: "pong" });
  expect(listen).toThrow(expect.objectContaining({ code: "rate_limited" }));
});

test("a long message counts as several", () => {
  const { it } = line({ now: () => 0 });
  it.received(9 * 4096);
  expect(() => it.received(1)).toThrow(expect.objectContaining({ code: "rate_limited" }));
});
