import { IncomingMessage, ServerResponse } from "node:http";
import { Socket } from "node:net";
import { pino } from "pino";
import { expect, test, vi } from "vitest";
import { EventStreams } from "../../../../gateway/http/event-streams.ts";
import { memoryStore } from "../store/memory-store.ts";

const STREAMS = 200;
const newResponse = () => new ServerResponse(new IncomingMessage(new Socket()));

test("the tokens of many streams are checked again one by one, with other work in between", async () => {
  const { store, account } = await memoryStore();
  const { identity } = await account("ada");
  const presence = { online: () => undefined, onChange: () => () => undefined };
  const events = new EventStreams({ store, presence, log: pino({ level: "silent" }), heartbeatMs: 50 });
  const responses = Array.from(
    { length: STREAMS },
    () => new ServerResponse(new IncomingMessage(new Socket())),
  );
  for (const response of responses) events.open(identity, response);
  let checked = 0;
  let inThisTurn = 0;
  let most = 0;
  let isOver = false;
  const turn = (): void => {
    most = Math.max(most, inThisTurn);
    inThisTurn = 0;
    if (!isOver) setImmediate(turn);
  };
  const { tokens } = store;
  const recheck = tokens.recheck.bind(tokens);
  vi.spyOn(tokens, "recheck").mockImplementation((id) => {
    checked++;
    inThisTurn++;
    return recheck(id);
  });
  turn();
  await expect.poll(() => checked, { timeout: 30_000 }).toBeGreaterThanOrEqual(2 * STREAMS);
  isOver = true;
  expect(most).toBeLessThanOrEqual(2);
  await store.tokens.revoke(identity.account.id, identity.tokenId, { account: "test" });
  expect(responses.every(({ writableEnded }) => writableEnded)).toBe(true);
  events.close();
  await store.close();
});

test("a workspace that changes all the time is announced only now and then, and finally with its last state", async () => {
  const { store, account, register } = await memoryStore();
  const { identity } = await account("ada");
  const { id } = await register(identity, "box");
  let clients = 0;
  let change = (_: typeof id): void => undefined;
  const presence = {
    online: () => ({ clients, since: new Date() }),
    onChange: (listener: typeof change) => {
      change = listener;
      return () => undefined;
    },
  };
  const events = new EventStreams({ store, presence, log: pino({ level: "silent" }) });
  const response = newResponse();
  const written = vi.spyOn(response, "write").mockReturnValue(true);
  const told = (): number[] =>
    written.mock.calls.flatMap(([text]) => {
      const found = /^event: workspace\n.*"clients":(\d+)/.exec(String(text));
      return found === null ? [] : [Number(found[1])];
    });
  events.open(identity, response);
  await expect.poll(() => written.mock.calls.length).toBeGreaterThan(0);
  const reads = vi.spyOn(store.workspaces, "visible");
  const started = performance.now();
  while (clients < 300) {
    clients++;
    change(id);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await expect.poll(() => told().at(-1), { timeout: 30_000 }).toBe(300);
  expect(told()[0]).toBeLessThan(300);
  expect(reads.mock.calls.length).toBeLessThanOrEqual(2 + (performance.now() - started) / 100);
  events.close();
  await store.close();
});
