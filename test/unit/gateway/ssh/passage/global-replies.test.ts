import { beforeEach, expect, test } from "vitest";
import { GlobalReplies } from "../../../../../gateway/ssh/passage/global-replies.ts";

let sent: string[];
let replies: GlobalReplies;
beforeEach(() => {
  sent = [];
  replies = new GlobalReplies((reply) => sent.push(Buffer.from(reply).toString()));
});

/** As the transport does it: the host's reply is sent, and then the queue is told. */
const hostAnswers = (number: number) => {
  sent.push(`host ${number}`);
  replies.sent(Buffer.from([number]));
};

test("our reply is sent at once if nothing waits", () => {
  replies.reply(Buffer.from("ours"));
  expect(sent).toEqual(["ours"]);
});

test("our reply waits for the host's replies to earlier requests, but not to later ones", () => {
  replies.passedOn();
  replies.passedOn();
  replies.reply(Buffer.from("ours"));
  replies.passedOn();
  replies.reply(Buffer.from("also ours"));
  hostAnswers(81);
  hostAnswers(94);
  expect(sent).toEqual(["host 81", "host 94"]);
  hostAnswers(82);
  expect(sent).toEqual(["host 81", "host 94", "host 82", "ours"]);
  hostAnswers(81);
  expect(sent.slice(4)).toEqual(["host 81", "also ours"]);
});

test("a client that never waits for replies is detected", () => {
  let passed = 0;
  while (replies.passedOn()) passed++;
  expect(passed).toBe(1024);
});
