import { IncomingMessage, ServerResponse } from "node:http";
import { Socket } from "node:net";
import { pino } from "pino";
import { expect, test, vi } from "vitest";
import { EventStreams } from "../../../../gateway/http/event-streams.ts";
import { memoryStore } from "../store/memory-store.ts";

const STREAMS = 200;

test("the tokens of many streams are checked again one after the other, and everyone else has a turn in between", async () => {
  const { store, account } = await memoryStore();
  const { identity } = await account("ada");
  const presence = { session: () => undefined, onChange: () => () => undefined };
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
