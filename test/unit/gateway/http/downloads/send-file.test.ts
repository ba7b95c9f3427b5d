// Who may download how much at a time, and who is cut.

import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import type { AddressInfo, Socket } from "node:net";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Writable } from "node:stream";
import Fastify from "fastify";
import { expect, onTestFinished, test } from "vitest";
import { type DownloadLimits, FileSender } from "../../../../../gateway/http/downloads/send-file.ts";
import { asRefusal } from "../../../../../gateway/http/error-response.ts";

const SIZE = 64 * 1024 * 1024;
const GENEROUS = { total: 100, perAddress: 50, leastBytes: 1, windowMs: 60_000 };

/**
 * A server with one file, in which the path says what the client's address is.
 * @param before what the server waits for before it sends
 */
async function serving(
  limits: DownloadLimits,
  before?: (address: string, response: Writable) => Promise<unknown>,
) {
  const directory = mkdtempSync(join(tmpdir(), "sallyport-send-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const path = join(directory, "file");
  writeFileSync(path, Buffer.alloc(SIZE));
  const sender = new FileSender(limits, 1);
  const app = Fastify();
  onTestFinished(() => app.close());
  app.decorateRequest("clientAddress", "");
  app.setErrorHandler((error: Error, _request, reply) =>
    reply.code(asRefusal(error).status).send(asRefusal(error).code),
  );
  app.get<{ Params: { address: string } }>("/:address", async (request, reply) => {
    request.clientAddress = request.params.address;
    await before?.(request.clientAddress, reply.raw);
    const file = { name: "file", size: SIZE, sha256: "0".repeat(64) };
    return await sender.send(
      async () => ({ file, handle: await open(path) }),
      "application/octet-stream",
      request,
      reply,
    );
  });
  await app.listen({ host: "127.0.0.1", port: 0 });
  const { port } = app.server.address() as AddressInfo;
  /** Asks for the file, and takes no more than the first bytes of the answer. */
  const ask = async (address: string): Promise<{ status: number; socket: Socket }> => {
    const socket = connect(port, "127.0.0.1");
    onTestFinished(() => void socket.destroy());
    socket.write(`GET /${address} HTTP/1.1\r\nHost: x\r\n\r\n`);
    const [first]: Buffer[] = await once(socket, "data");
    socket.pause();
    return { status: Number(/^HTTP\/1\.1 (\d+)/.exec(String(first))?.[1]), socket };
  };
  return { ask, url: `http://127.0.0.1:${port}` };
}

test("an address has its share, and others still get theirs", async () => {
  const { ask } = await serving({ ...GENEROUS, perAddress: 3 });
  const first = await Promise.all([1, 2, 3].map(() => ask("192.0.2.1")));
  expect(first.map(({ status }) => status)).toEqual([200, 200, 200]);
  expect((await ask("192.0.2.1")).status).toBe(429);
  expect((await ask("192.0.2.2")).status).toBe(200);
  first[0]?.socket.destroy();
  await expect.poll(async () => (await ask("192.0.2.1")).status).toBe(200);
});

test("all together have a bound, too", async () => {
  const { ask } = await serving({ ...GENEROUS, total: 4 });
  const statuses = [];
  for (const address of ["a", "b", "c", "d", "e"]) statuses.push((await ask(address)).status);
  expect(statuses).toEqual([200, 200, 200, 200, 503]);
});

test("a client that takes nothing is cut, and gives its slot back", async () => {
  const { ask } = await serving({ ...GENEROUS, total: 1, leastBytes: SIZE, windowMs: 200 });
  const { socket } = await ask("192.0.2.1");
  await expect.poll(async () => (await ask("192.0.2.2")).status).toBe(200);
  socket.resume();
  await once(socket, "close");
  expect(socket.bytesRead).toBeLessThan(SIZE);
});

test("a client that takes its time, but moves, gets all of it", async () => {
  const { url } = await serving({ ...GENEROUS, leastBytes: 64 * 1024, windowMs: 200 });
  const response = await fetch(`${url}/192.0.2.1`);
  let size = 0;
  for await (const chunk of response.body ?? []) {
    if (size === 0) await new Promise((resolve) => setTimeout(resolve, 50));
    size += (chunk as Uint8Array).length;
  }
  expect(size).toBe(SIZE);
});

test("a client that has left before its turn takes no slot with it", async () => {
  let gone = 0;
  const { ask, url } = await serving({ ...GENEROUS, total: 1 }, async (address, response) => {
    if (address !== "leaves") return;
    await once(response, "close");
    gone++;
  });
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.write("GET /leaves HTTP/1.1\r\nHost: x\r\n\r\n", () => socket.destroy());
  await expect.poll(() => gone).toBe(1);
  expect((await ask("192.0.2.2")).status).toBe(200);
});
