import { expect, test } from "vitest";
import type { Channel } from "../../../../../gateway/cluster/channel.ts";
import type { FromPrimary } from "../../../../../gateway/cluster/messages.ts";
import type { News } from "../../../../../gateway/cluster/news.ts";
import { siblingsOf } from "../../../../../gateway/cluster/worker/worker.ts";

test("a worker that starts hears the news of the meantime, in order, once it listens", () => {
  const listeners: ((message: FromPrimary, socket: undefined) => void)[] = [];
  const channel: Channel = {
    send: () => undefined,
    sendSocket: () => undefined,
    onMessage: (listener) => {
      listeners.push(listener);
    },
  };
  const siblings = siblingsOf(
    channel,
    { type: "welcome", worker: 1, slot: 0, count: 2, directory: "/nonexistent", routes: [] },
    { trustProxy: [] },
  );
  const failed = (address: string): News => ({ kind: "sign-in-failed", address });
  const tell = (news: News): void => {
    for (const listener of listeners) listener({ type: "news", news }, undefined);
  };
  tell(failed("192.0.2.1"));
  tell(failed("192.0.2.2"));
  const heard: News[] = [];
  siblings.onNews((news) => heard.push(news));
  tell(failed("192.0.2.3"));
  expect(heard).toEqual(["192.0.2.1", "192.0.2.2", "192.0.2.3"].map(failed));
});
