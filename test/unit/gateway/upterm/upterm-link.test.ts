import { once } from "node:events";
import type { Duplex } from "node:stream";
import { expect, test, vi } from "vitest";
import { UptermLink } from "../../../../gateway/upterm/upterm-link.ts";
import { Channel } from "../../../../protocol/ssh/channel.ts";
import { MSG } from "../../../../protocol/ssh/message-numbers.ts";

const ID = "AbCdEfGhIjKlMnOpQrSt";

test("a stream is a channel that the gateway opens to the host, by the session's id", async () => {
  const { link, asked, channel } = linkTo();
  const stream = await streamOf(link);
  expect(asked).toEqual([
    {
      type: "forwarded-streamlocal@openssh.com",
      data: Buffer.concat([Buffer.from([0, 0, 0, 20]), Buffer.from(ID), Buffer.alloc(4)]),
    },
  ]);
  expect(stream).toBe(channel);
  expect(link.streams).toBe(1);
});

test("a stream that the host closes ends, and does not count any more", async () => {
  const { link, channel } = linkTo();
  const stream = await streamOf(link);
  const closed = once(stream, "close");
  stream.resume();
  channel.receiveClose();
  await closed;
  expect(link.streams).toBe(0);
});

test("when both sides have ended, the channel is closed", async () => {
  const { link, channel, sent } = linkTo();
  const stream = await streamOf(link);
  stream.resume();
  stream.end("bye");
  channel.receiveEof();
  await once(stream, "close");
  expect(sent.map((message) => message[0])).toEqual([MSG.channelData, MSG.channelEof, MSG.channelClose]);
});

test("a channel that the host keeps open after our end is closed", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  try {
    const { link, sent } = linkTo();
    const stream = await streamOf(link);
    const finished = once(stream, "finish");
    stream.end();
    await finished;
    expect(sent.at(-1)?.[0]).toBe(MSG.channelEof);
    vi.advanceTimersByTime(10_000);
    expect(sent.at(-1)?.[0]).toBe(MSG.channelClose);
  } finally {
    vi.useRealTimers();
  }
});

test("the number of streams is limited, including those that are being opened", async () => {
  const { link } = linkTo({
    maxStreams: 1,
    answer: () => new Promise(() => undefined),
    openTimeoutMs: 60_000,
  });
  void link.openStream();
  await expect(link.openStream()).rejects.toMatchObject({ code: "gateway_full" });
});

test("a host that does not answer in time causes a time-out, and its late channel is closed", async () => {
  let answer: (channel: Channel) => void = () => undefined;
  const pending = new Promise<Channel>((resolve) => {
    answer = resolve;
  });
  const { link, channel, sent } = linkTo({ openTimeoutMs: 20, answer: () => pending });
  await expect(link.openStream()).rejects.toMatchObject({ code: "workspace_timeout" });
  expect(link.streams).toBe(0);
  const closed = once(channel, "close");
  answer(channel);
  await closed;
  expect(sent.map((message) => message[0])).toEqual([MSG.channelClose]);
});

test("a host that refuses and a host that is offline give different errors", async () => {
  const { link } = linkTo({ answer: () => Promise.reject(new Error("no")) });
  await expect(link.openStream()).rejects.toMatchObject({ code: "stream_refused" });
  link.ended();
  await expect(link.openStream()).rejects.toMatchObject({ code: "workspace_offline" });
  expect(await link.probe(10)).toBe(false);
});

async function streamOf(link: UptermLink): Promise<Duplex> {
  const opened = await link.openStream();
  if (opened.kind !== "duplex") throw new Error("no byte stream");
  return opened.stream;
}

function linkTo(
  given: { maxStreams?: number; openTimeoutMs?: number; answer?: () => Promise<Channel> } = {},
) {
  const asked: { type: string; data: Buffer }[] = [];
  const sent: Buffer[] = [];
  const channel = new Channel(
    {
      writable: true,
      send: (...parts) => sent.push(Buffer.concat(parts)),
      waitForRoom: () => undefined,
    },
    { local: 0, remote: 0, window: 100_000, maxPacket: 32_768 },
  );
  const link = new UptermLink({
    id: ID,
    address: "192.0.2.1",
    hostKeys: [],
    maxStreams: given.maxStreams ?? 8,
    openTimeoutMs: given.openTimeoutMs ?? 5_000,
    carrier: {
      openChannel: (type, data) => {
        asked.push({ type, data: Buffer.from(data) });
        return given.answer?.() ?? Promise.resolve(channel);
      },
      probe: () => Promise.resolve(true),
      end: () => undefined,
    },
  });
  return { link, asked, sent, channel };
}
