// Requests to identity providers: where they may go, and by which way.

import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { expect, onTestFinished, test } from "vitest";
import { boundedFetch } from "../../../../../gateway/identity/providers/bounded-fetch.ts";

async function listening(
  server = createServer(),
): Promise<{ readonly server: typeof server; readonly url: string }> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

test("They go out by the proxy of the environment, and to this machine without one", async () => {
  const { server, url: proxy } = await listening();
  const asked: string[] = [];
  server.on("connect", (request: IncomingMessage, socket: Duplex) => {
    asked.push(request.url ?? "");
    socket.end("HTTP/1.1 403 Forbidden\r\n\r\n");
  });
  const { url: local } = await listening(createServer((_request, response) => response.end("here")));
  const fetch = boundedFetch({ HTTPS_PROXY: proxy, HTTP_PROXY: proxy }, new AbortController().signal);
  await expect(fetch("https://login.invalid/token")).rejects.toThrow();
  expect(asked).toEqual(["login.invalid:443"]);
  expect(await (await fetch(local)).text()).toBe("here");
});

test("They go nowhere else by plain http, and end with the gateway", async () => {
  const closing = new AbortController();
  const fetch = boundedFetch({}, closing.signal);
  for (const url of [
    "http://login.example/",
    "http://127.0.0.1.evil.example/",
    "ftp://127.0.0.1/",
    "file:///etc/passwd",
  ]) {
    await expect(fetch(url), url).rejects.toThrow("is not https");
  }
  const { server, url } = await listening();
  const silent = fetch(url);
  await once(server, "request");
  closing.abort();
  await expect(silent).rejects.toThrow();
});

test("Only texts and forms are sent, a form as one", async () => {
  const { server, url } = await listening();
  const fetch = boundedFetch({}, new AbortController().signal);
  const sent = fetch(url, { method: "POST", body: new URLSearchParams({ a: "b c" }) });
  const [request, response] = (await once(server, "request")) as [
    IncomingMessage,
    import("node:http").ServerResponse,
  ];
  expect(request.headers["content-type"]).toMatch(/^application\/x-www-form-urlencoded/);
  let text = "";
  for await (const chunk of request) text += chunk;
  response.writeHead(204).end();
  expect([text, (await sent).status]).toEqual(["a=b+c", 204]);
  await expect(fetch(url, { method: "POST", body: new Uint8Array(3) })).rejects.toThrow(
    "only texts and forms",
  );
});
