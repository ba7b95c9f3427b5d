import { once } from "node:events";
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import { afterEach, expect, test } from "vitest";
import { EventStream } from "../../../../gateway/http/event-stream.ts";
import type { Workspace } from "../../../../protocol/api.ts";
import { newTokenId, newWorkspaceId } from "../../../../protocol/values/id.ts";

const cleanUp: (() => void)[] = [];
afterEach(() => {
  for (const step of cleanUp.splice(0)) step();
});

const workspace = (id: string, name: string): Workspace => ({
  id,
  name,
  owner: "ada",
  mine: true,
  online: true,
  clients: 0,
  endToEndOnly: false,
  hostKeys: ["x".repeat(8000)],
  createdAt: "2030-01-01T00:00:00Z",
  lastSeenAt: null,
});

/** A response of the server, and its client's response once the headers are sent. */
async function connection(): Promise<{ client: () => Promise<IncomingMessage>; response: ServerResponse }> {
  const server = createServer().listen(0, "127.0.0.1");
  cleanUp.push(() => {
    server.closeAllConnections();
    server.close();
  });
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  const arrived = new Promise<ServerResponse>((resolve) =>
    server.once("request", (_request, response: ServerResponse) => resolve(response)),
  );
  const sent = request({ port: address.port, host: "127.0.0.1" });
  const answered = new Promise<IncomingMessage>((resolve) => sent.once("response", resolve));
  sent.end();
  return { client: () => answered, response: await arrived };
}

test("for a client that does not read the gateway holds one event, and drops it when it takes nothing for too long", async () => {
  const { client, response } = await connection();
  const id = newWorkspaceId();
  let reads = 0;
  let ended = false;
  const stream = new EventStream(response, {
    tokenId: newTokenId(),
    stallMs: 300,
    list: async () => [],
    find: async () => {
      reads++;
      return workspace(id, "box");
    },
    offers: async () => [],
    onError: (error) => {
      throw error;
    },
    onEnd: () => {
      ended = true;
    },
  });
  stream.start();
  const reader = await client();
  reader.on("error", () => undefined);
  reader.pause();
  let largest = 0;
  // Each change causes an event of 8 kB. With a client that reads nothing, the kernel's buffers fill first.
  while (!ended) {
    stream.enqueue(id);
    largest = Math.max(largest, response.writableLength);
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(reads).toBeGreaterThan(10);
  expect(largest).toBeLessThan(1024 * 1024);
  expect(response.destroyed).toBe(true);
});

test("changes during a long snapshot follow it, each workspace once and in its newest state", async () => {
  const { client, response } = await connection();
  const ids = Array.from({ length: 20 }, newWorkspaceId);
  const [first = newWorkspaceId()] = ids;
  let name = "old";
  const stream = new EventStream(response, {
    tokenId: newTokenId(),
    stallMs: 5_000,
    list: async () => ids.map((id) => workspace(id, "old")),
    find: async (id) => (id === first ? workspace(id, name) : undefined),
    offers: async () => [],
    onError: (error) => {
      throw error;
    },
    onEnd: () => undefined,
  });
  stream.start();
  stream.enqueue(first);
  stream.beat();
  stream.enqueue(first);
  name = "new";
  let text = "";
  for await (const chunk of (await client()).setEncoding("utf8")) {
    text += chunk;
    if (text.includes("event: workspace\n")) stream.end();
  }
  const events = text.split("\n\n").filter((part) => part.includes("event: "));
  expect(events).toHaveLength(2);
  const data = events.map((event) => JSON.parse(/^data: (.*)$/m.exec(event)?.[1] ?? ""));
  expect(data[0].workspaces).toHaveLength(20);
  expect(data[1].workspace).toMatchObject({ id: first, name: "new" });
});
