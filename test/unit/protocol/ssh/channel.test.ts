import { describe, expect, test } from "vitest";
import { Channel, WINDOW } from "../../../../protocol/ssh/channel.ts";
import { WireReader } from "../../../../protocol/ssh/wire.ts";

const [DATA, STDERR, ADJUST, EOF, CLOSE] = [94, 95, 93, 96, 97];

function make(window = 1_000_000, maxPacket = 32_768) {
  const sent: { type: number; size: number; text: string }[] = [];
  const waiting = new Set<Channel>();
  const carrier = {
    writable: true,
    send(...parts: readonly Uint8Array[]) {
      const bytes = Buffer.concat(parts);
      const reader = new WireReader(bytes);
      const type = reader.byte();
      reader.uint32();
      if (type === STDERR) reader.uint32();
      const data = type === DATA || type === STDERR ? reader.string() : Buffer.alloc(0);
      sent.push({ type, size: type === ADJUST ? reader.uint32() : data.length, text: data.toString() });
    },
    waitForRoom: (channel: Channel) => void waiting.add(channel),
  };
  const channel = new Channel(carrier, { local: 1, remote: 2, window, maxPacket });
  const types = () => sent.map(({ type }) => type);
  return { channel, carrier, sent, types, waiting };
}
const turn = () => new Promise((resolve) => setImmediate(resolve));

describe("what is written to a channel", () => {
  test("goes out in packets of the peer's size, and then the end", async () => {
    const { channel, sent, types } = make(1_000_000, 1000);
    channel.end(Buffer.alloc(2500));
    await turn();
    expect(types()).toEqual([DATA, DATA, DATA, EOF]);
    expect(sent.map(({ size }) => size)).toEqual([1000, 1000, 500, 0]);
  });

  test("waits for the window, both outputs in the order of their writes and neither twice", async () => {
    const { channel, sent } = make(3);
    channel.write("abcde");
    channel.stderr.write("XYZ");
    channel.write("fg");
    await turn();
    expect(sent.map(({ text }) => text)).toEqual(["abc"]);
    for (const bytes of [1, 2, 1, 100]) {
      channel.receiveWindow(bytes);
      await turn();
    }
    expect(sent.map(({ type, text }) => `${type}${text}`)).toEqual([
      `${DATA}abc`,
      `${DATA}d`,
      `${DATA}e`,
      `${STDERR}X`,
      `${STDERR}Y`,
      `${STDERR}Z`,
      `${DATA}fg`,
    ]);
  });

  test("waits for the connection below, so that nothing piles up there however large the window", async () => {
    const { channel, carrier, sent, waiting } = make(0xffff_ffff);
    carrier.writable = false;
    let done = false;
    channel.write("abc", () => {
      done = true;
    });
    await turn();
    expect([sent.length, done, waiting.has(channel)]).toEqual([0, false, true]);
    carrier.writable = true;
    channel.flush();
    await turn();
    expect([sent.length, done]).toEqual([1, true]);
  });

  test("is let go once the peer has closed, and its writers are not left waiting", async () => {
    const { channel, types } = make(0);
    let done = false;
    let gone = false;
    channel.once("gone", () => {
      gone = true;
    });
    channel.write("abc", () => {
      done = true;
    });
    channel.receiveClose();
    await channel.flushed();
    expect([done, gone, types()]).toEqual([true, true, [CLOSE]]);
  });

  test("is refused a window beyond 2^32 - 1", () => {
    expect(make(0xffff_0000).channel.receiveWindow(0xffff)).toBe(true);
    expect(make(0xffff_0000).channel.receiveWindow(0x10000)).toBe(false);
  });
});

describe("what the peer sends", () => {
  test("is given room again as it is read, in any way of reading", async () => {
    const { channel, types, sent } = make();
    for (let bytes = 0; bytes < WINDOW; bytes += 32_768)
      expect(channel.receiveData(Buffer.alloc(32_768))).toBe(true);
    await turn();
    expect(types()).toEqual([]);
    channel.read();
    expect(sent).toEqual([{ type: ADJUST, size: WINDOW, text: "" }]);
    expect(channel.receiveData(Buffer.alloc(32_768))).toBe(true);
  });

  test("is refused beyond the window and after its end", () => {
    const { channel } = make();
    expect(channel.receiveData(Buffer.alloc(WINDOW))).toBe(true);
    expect(channel.receiveData(Buffer.alloc(1))).toBe(false);
    const ended = make().channel;
    ended.receiveEof();
    expect(ended.receiveData(Buffer.alloc(1))).toBe(false);
  });

  test("can be read after its close", async () => {
    const { channel } = make();
    channel.receiveData(Buffer.from("last words"));
    channel.receiveClose();
    const words: Buffer[] = [];
    for await (const data of channel) words.push(data);
    expect(Buffer.concat(words).toString()).toBe("last words");
  });
});

describe("the end of a channel", () => {
  test("is EOF alone for end(), which leaves the other direction open", async () => {
    const { channel, types } = make();
    channel.end();
    await turn();
    expect(types()).toEqual([EOF]);
    expect(channel.receiveData(Buffer.from("x"))).toBe(true);
    channel.resume();
    channel.receiveEof();
    await turn();
    await turn();
    expect(types()).toEqual([EOF, CLOSE]);
  });

  test("is all data, the status, EOF and CLOSE for a session, each once", async () => {
    const { channel, types } = make(1_000_000);
    channel.write("out");
    await channel.flushed();
    channel.exit(3);
    channel.exit(4);
    channel.close();
    channel.close();
    await turn();
    await turn();
    expect(types()).toEqual([DATA, 98, EOF, CLOSE]);
  });
});
