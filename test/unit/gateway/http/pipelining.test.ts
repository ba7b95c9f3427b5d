import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { afterEach, expect, test } from "vitest";
import { oneAtATime } from "../../../../gateway/http/pipelining.ts";

let server: Server | undefined;
afterEach(async () => {
  server?.closeAllConnections();
  await new Promise<void>((resolve) => (server === undefined ? resolve() : server.close(() => resolve())));
});

/**
 * Answers with the path, some turns later. It counts the requests, and the most that it had at the same time.
 */
async function serve() {
  const seen = { now: 0, most: 0, all: 0 };
  server = createServer(
    oneAtATime((request, response) => {
      seen.all++;
      seen.most = Math.max(seen.most, ++seen.now);
      request.resume().once("end", () =>
        setImmediate(() => {
          seen.now--;
          response.end(`${request.url}\n`);
        }),
      );
    }),
  );
  await new Promise<void>((resolve) => server?.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return { seen, port };
}

const request = (path: string, more = ""): string => `GET ${path} HTTP/1.1\r\nHost: x\r\n${more}\r\n`;

test("requests that arrive together are answered one by one, in order", async () => {
  const { seen, port } = await serve();
  const socket = connect(port, "127.0.0.1");
  let text = "";
  socket.on("data", (data) => {
    text += data.toString();
  });
  const paths = Array.from({ length: 30 }, (_, i) => `/${i}`);
  socket.write(paths.map((path, i) => request(path, i === 29 ? "Connection: close\r\n" : "")).join(""));
  await once(socket, "close");
  expect(text.match(/\/\d+\n/g)?.join("")).toBe(paths.map((path) => `${path}\n`).join(""));
  expect(seen).toEqual({ now: 0, most: 1, all: 30 });
});

test("a client with too many waiting requests is disconnected, and most of them are never handled", async () => {
  const { seen, port } = await serve();
  const socket = connect(port, "127.0.0.1");
  const cut = new Promise<void>((resolve) =>
    socket.on("error", () => undefined).once("close", () => resolve()),
  );
  socket.resume();
  socket.write(request("/x").repeat(5_000));
  await cut;
  expect(seen.all).toBeLessThan(100);
  // Others are served as before.
  const other = connect(port, "127.0.0.1");
  let text = "";
  other.on("data", (data) => {
    text += data.toString();
  });
  other.write(request("/other", "Connection: close\r\n"));
  await once(other, "close");
  expect(text).toContain("/other");
});
