// Sends requests that no client would send, cut at any byte, to our server behind a real socket.

import { mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { PacketWriter } from "../../../agent/host/sftp/packet.ts";
import { PACKET } from "../../../agent/host/sftp/wire.ts";
import { openBelow } from "./open-files.ts";
import { unGreeted } from "./raw-client.ts";

let home = "";
beforeEach(async () => {
  home = await realpath(await mkdtemp(join(tmpdir(), "sftp-fuzz-")));
});
afterEach(() => rm(home, { recursive: true }));

describe("arbitrary bytes", () => {
  const field = fc.oneof(
    fc.nat(0xffff_ffff).map((value) => new PacketWriter(0).u32(value).finish().subarray(5)),
    fc
      .constantFrom("file", "a", "a/b", ".", "", "link", "a/../link")
      .map((text) => new PacketWriter(0).string(text).finish().subarray(5)),
    fc.nat(20).map((handle) => new PacketWriter(0).u32(4).u32(handle).finish().subarray(5)),
    fc
      .constantFrom(0, 1, 2, 3, 8, 10, 11, 26, 27, 63)
      .map((flags) => new PacketWriter(0).u32(flags).finish().subarray(5)),
    fc.nat(50).map((offset) => new PacketWriter(0).u64(BigInt(offset)).finish().subarray(5)),
    fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes)),
  );
  const name = fc.constantFrom(
    "copy-data",
    "fsync@openssh.com",
    "statvfs@openssh.com",
    "fstatvfs@openssh.com",
    "limits@openssh.com",
    "users-groups-by-id@openssh.com",
    "expand-path@openssh.com",
    "x",
  );
  const request = fc.oneof(
    fc
      .tuple(fc.integer({ min: 3, max: 22 }), fc.array(field, { maxLength: 6 }))
      .map(([type, fields]) => new PacketWriter(type).u32(7).raw(Buffer.concat(fields)).finish()),
    fc
      .tuple(name, fc.array(field, { maxLength: 6 }))
      .map(([extension, fields]) =>
        new PacketWriter(PACKET.extended).u32(7).string(extension).raw(Buffer.concat(fields)).finish(),
      ),
  );

  /** No path in these bytes leaves the test's own directory: a slash stands only after an "a", and never comes first. */
  const confined = (bytes: Buffer): Buffer =>
    bytes.map((byte, at) => (byte === 0x2f && bytes[at - 1] !== 0x61 ? 0x2e : byte)) as Buffer;

  test("neither crash the server nor leave a file open", async () => {
    const errors = vi.fn<(message: string) => void>();
    const nothing = (): void => undefined;
    const log = { debug: nothing, info: nothing, warn: nothing, error: errors };
    await fc.assert(
      fc.asyncProperty(fc.array(request, { maxLength: 25 }), fc.nat(64), async (requests, cut) => {
        const directory = await mkdtemp(join(home, "fuzz-"));
        await writeFile(join(directory, "file"), "0123456789");
        const { client: fuzzer, server } = await unGreeted({ cwd: directory, log });
        await fuzzer.greet();
        const bytes = confined(Buffer.concat(requests));
        for (let at = 0; at < bytes.length; at += cut + 1)
          fuzzer.channel.write(bytes.subarray(at, at + cut + 1));
        fuzzer.channel.end();
        await expect.poll(() => server.destroyed, { interval: 2 }).toBe(true);
        await expect.poll(() => openBelow(directory), { interval: 2 }).toEqual([]);
      }),
      { numRuns: 150 },
    );
    expect(errors.mock.calls).toEqual([]);
  });
});
