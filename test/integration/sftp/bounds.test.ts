// Bounds of our server, and how its sessions end: neither can be compared with OpenSSH's server.

import { mkdtemp, readFile, realpath, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { PacketWriter } from "../../../agent/host/sftp/packet.ts";
import { MAX_DATA_BYTES, MAX_HANDLES, MAX_PACKET_BYTES, PACKET } from "../../../agent/host/sftp/wire.ts";
import { openBelow } from "./open-files.ts";
import { ourServer, type RawClient, describe as statusOf, unGreeted } from "./raw-client.ts";

let home = "";
let client: RawClient;

beforeEach(async () => {
  home = await realpath(await mkdtemp(join(tmpdir(), "sftp-server-")));
  await writeFile(join(home, "file"), "0123456789");
  client = await ourServer({ cwd: home });
});
afterEach(async () => {
  await client.end();
  await rm(home, { recursive: true });
});

describe("bounds", () => {
  test("at most 1,000 handles are open; closing one makes room", async () => {
    const handles: Buffer[] = [];
    for (let index = 0; index < MAX_HANDLES; index++) handles.push(await client.open("file", 1));
    expect(statusOf(await client.tryOpen("file", 1))).toBe("failure");
    expect(statusOf(await client.onPath(PACKET.opendir, "."))).toBe("failure");
    await client.close(handles[0] ?? Buffer.alloc(0));
    await client.open("file", 1);
    expect(openBelow(home).length).toBe(MAX_HANDLES);
  });

  test("a client that does not take its answers is no longer read, and gets all of them later", async () => {
    await truncate(join(home, "file"), 1024 * 1024);
    const { client: greedy, server } = await unGreeted({ cwd: home });
    await greedy.greet();
    const handle = await greedy.open("file", 1);
    greedy.channel.pause();
    const requests = Array.from({ length: 300 }, () => greedy.read(handle, 0, MAX_DATA_BYTES));
    await expect.poll(() => server.isPaused()).toBe(true);
    await expect.poll(() => server.writableNeedDrain).toBe(true);
    // Only the answers that were being made when the channel filled up still come.
    expect(server.writableLength).toBeLessThan(10 * MAX_PACKET_BYTES);
    greedy.channel.resume();
    const answers = await Promise.all(requests);
    expect(answers.every(({ type }) => type === PACKET.data)).toBe(true);
    await greedy.end();
  });

  test("a copy without an end stops with the session", async () => {
    const stop = new AbortController();
    const { client: copier } = await unGreeted({ cwd: home, signal: stop.signal });
    await copier.greet();
    const [from, to] = [await copier.open("/dev/zero", 1), await copier.open("/dev/null", 2)];
    void copier.extended("copy-data", (packet) => packet.string(from).u64(0n).u64(0n).string(to).u64(0n));
    await copier.extended("limits@openssh.com");
    expect(openBelow("/dev/zero").length).toBe(1);
    stop.abort();
    await expect.poll(() => openBelow("/dev/zero")).toEqual([]);
  });
});

describe("the end", () => {
  test("closes every handle when the client leaves, when it is stopped, and when the channel breaks", async () => {
    type One = Awaited<ReturnType<typeof unGreeted>> & { stop: AbortController };
    const ways: ((one: One) => unknown)[] = [
      ({ client: one }) => one.channel.end(),
      ({ stop }) => stop.abort(),
      ({ client: one }) => one.channel.destroy(),
      ({ server }) => server.destroy(new Error("broken")),
      ({ client: one }) => one.channel.write(Buffer.from([0, 0, 0, 0])),
    ];
    for (const leave of ways) {
      const stop = new AbortController();
      const one = await unGreeted({ cwd: home, signal: stop.signal });
      await one.client.greet();
      await one.client.open("file", 1);
      await one.client.onPath(PACKET.opendir, ".");
      expect(openBelow(home).length).toBe(2);
      leave({ ...one, stop });
      await expect.poll(() => openBelow(home)).toEqual([]);
      await expect.poll(() => one.server.destroyed).toBe(true);
    }
  });

  test("comes after all that the client asked for has been answered", async () => {
    const { client: hasty } = await unGreeted({ cwd: home });
    await hasty.greet();
    const handle = await hasty.open("hasty", 2 | 8);
    const writes = Array.from({ length: 200 }, (_, index) => hasty.write(handle, index, "x"));
    hasty.channel.end();
    await Promise.all(writes);
    expect((await readFile(join(home, "hasty"))).length).toBe(200);
  });

  test.each([
    ["a packet over the limit", Buffer.from([0, 4, 0, 1])],
    ["an empty packet", Buffer.from([0, 0, 0, 0])],
    ["a request that is cut off", new PacketWriter(PACKET.open).u32(1).u32(100).finish()],
    ["a path with a NUL byte", new PacketWriter(PACKET.stat).u32(1).string("a\0b").finish()],
    ["a second INIT", new PacketWriter(PACKET.init).u32(3).finish()],
  ])("comes at once, with one line in the log, after %s", async (_what, bytes) => {
    const warn = vi.fn<(message: string) => void>();
    const nothing = (): void => undefined;
    const { client: bad, server } = await unGreeted({
      cwd: home,
      log: { debug: nothing, info: nothing, warn, error: nothing },
    });
    await bad.greet();
    await bad.open("file", 1);
    bad.channel.write(bytes);
    await expect.poll(() => server.destroyed).toBe(true);
    expect(warn).toHaveBeenCalledTimes(1);
    await expect.poll(() => openBelow(home)).toEqual([]);
  });

  test("comes when the first packet is not INIT", async () => {
    const { client: rude, server } = await unGreeted({ cwd: home });
    rude.channel.write(new PacketWriter(PACKET.stat).u32(1).string("file").finish());
    await expect.poll(() => server.destroyed).toBe(true);
    expect(rude.answers).toEqual([]);
  });
});
