// What reaches the port that a command line opens for the browser's answer: the answer, and everything else.

import { once } from "node:events";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { connect, type Socket } from "node:net";
import { networkInterfaces } from "node:os";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { newState } from "../../../../../agent/client/sign-in/authorization.ts";
import {
  type Loopback,
  type LoopbackOptions,
  listenForAnswer,
} from "../../../../../agent/client/sign-in/loopback.ts";
import { parseGatewayUrl } from "../../../../../protocol/values/gateway-url.ts";

const gateway = parseGatewayUrl("https://gw.example");
const open: Loopback[] = [];
let state: string;
let stop: AbortController;
beforeEach(() => {
  state = newState();
  stop = new AbortController();
});
afterEach(() => {
  for (const loopback of open.splice(0)) loopback.close();
});

async function listening(more: Partial<LoopbackOptions> = {}): Promise<Loopback> {
  const loopback = await listenForAnswer({ gateway, state, signal: stop.signal, ...more });
  open.push(loopback);
  return loopback;
}

interface Got {
  readonly status: number | undefined;
  readonly headers: IncomingMessage["headers"];
  readonly text: string;
}

async function get(
  { redirectUri }: Loopback,
  query: Record<string, string> | string,
  headers: Record<string, string> = {},
  { path = "/signed-in", method = "GET" } = {},
): Promise<Got> {
  const text = typeof query === "string" ? query : new URLSearchParams(query).toString();
  const { hostname: host, port } = new URL(redirectUri);
  const sent = httpRequest({
    host: host.replace(/^\[|\]$/g, ""),
    port,
    path: `${path}?${text}`,
    method,
    headers,
  });
  sent.end();
  const [response] = (await once(sent, "response")) as [IncomingMessage];
  let body = "";
  for await (const part of response) body += String(part);
  return { status: response.statusCode, headers: response.headers, text: body };
}

const right = () => ({ code: "the-code", state, iss: gateway });

/** Whether the port still answers. */
async function isOpen({ redirectUri }: Loopback): Promise<boolean> {
  const socket = connect(Number(new URL(redirectUri).port), new URL(redirectUri).hostname);
  return await new Promise((resolve) => {
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

test("the browser's answer gives the code, and the port closes at once", async () => {
  const loopback = await listening();
  expect(loopback.redirectUri).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/signed-in$/);
  const { status, headers, text } = await get(loopback, right(), { "accept-language": "de-AT,en;q=0.5" });
  expect(status).toBe(200);
  expect(text).toContain('<html lang="de">');
  expect(text).toContain("Angemeldet");
  expect(text).not.toContain("the-code");
  expect(text).not.toContain(state);
  expect(headers).toMatchObject({
    "cache-control": "no-store",
    "content-security-policy": expect.stringMatching(/^default-src 'none'.*frame-ancestors 'none'/),
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    connection: "close",
  });
  expect(await loopback.answer()).toEqual({ kind: "code", code: "the-code" });
  await expect.poll(() => isOpen(loopback)).toBe(false);
});

test("the page is English for those who ask for neither language, and says where to read why it failed", async () => {
  const loopback = await listening();
  const { text } = await get(
    loopback,
    { error: "access_denied", state, iss: gateway },
    {
      "accept-language": "fr",
    },
  );
  expect(text).toContain('<html lang="en">');
  expect(text).toContain("Not signed in");
  expect(await loopback.answer()).toMatchObject({ kind: "refused", error: { code: "sign_in_denied" } });
});

test.each<[string, () => Parameters<typeof get> extends [unknown, ...infer R] ? R : never]>([
  ["a wrong state", () => [{ ...right(), state: newState() }]],
  ["no state", () => [{ code: "x", iss: gateway }]],
  ["the state twice", () => [`${new URLSearchParams(right())}&state=${state}`]],
  ["a different path", () => [right(), {}, { path: "/signed-in/" }]],
  ["the path in a different case", () => [right(), {}, { path: "/Signed-In" }]],
  ["a path that begins with two slashes", () => [right(), {}, { path: "//signed-in" }]],
  ["an absolute URL", () => [right(), {}, { path: "http://evil.example/signed-in" }]],
  ["a form", () => [right(), {}, { method: "POST" }]],
  ["HEAD", () => [right(), {}, { method: "HEAD" }]],
  [
    "a preflight",
    () => [right(), { "access-control-request-private-network": "true" }, { method: "OPTIONS" }],
  ],
  ["a name that was made to resolve to this machine", () => [right(), { host: "rebinding.example:1" }]],
  ["localhost by its name", () => [right(), { host: "localhost" }]],
])("%s gets 404 and does not end the wait", async (_what, what) => {
  const loopback = await listening();
  const [query, headers, how] = what();
  const { status, text, headers: answered } = await get(loopback, query, headers, how);
  expect({ status, text }).toEqual({ status: 404, text: "" });
  expect(answered["access-control-allow-origin"]).toBeUndefined();
  expect((await get(loopback, right())).status).toBe(200);
  expect(await loopback.answer()).toMatchObject({ kind: "code" });
});

test.each([
  ["a different issuer", { iss: "https://evil.example" }],
  ["no issuer", { iss: "" }],
  ["the issuer with a path", { iss: "https://gw.example/other" }],
])("%s with the right state ends the sign-in without using the code", async (_what, wrong) => {
  const loopback = await listening();
  const { text } = await get(loopback, { ...right(), ...wrong });
  expect(text).toContain("Not signed in");
  expect(await loopback.answer()).toMatchObject({ kind: "refused", error: { code: "wrong_issuer" } });
});

test("a second answer is not taken, even if it comes while the first is still being answered", async () => {
  const loopback = await listening();
  const { hostname, port } = new URL(loopback.redirectUri);
  const sockets = ["first", "second"].map((code) => ({ code, socket: connect(Number(port), hostname) }));
  await Promise.all(sockets.map(({ socket }) => once(socket, "connect")));
  const answers = sockets.map(async ({ code, socket }) => {
    let text = "";
    socket.setEncoding("utf8").on("data", (part: string) => {
      text += part;
    });
    socket.on("error", () => {});
    const closed = new Promise((resolve) => socket.once("close", resolve));
    const query = new URLSearchParams({ ...right(), code });
    socket.write(`GET /signed-in?${query} HTTP/1.1\r\nHost: ${hostname}:${port}\r\n\r\n`);
    await closed;
    return text.startsWith("HTTP/1.1 200") ? code : undefined;
  });
  const taken = (await Promise.all(answers)).filter((code) => code !== undefined);
  expect(taken).toHaveLength(1);
  expect(await loopback.answer()).toEqual({ kind: "code", code: taken[0] });
});

test("a huge query is refused, and the answer that follows it is taken", async () => {
  const loopback = await listening();
  const { hostname, port } = new URL(loopback.redirectUri);
  const socket = connect(Number(port), hostname);
  socket.on("error", () => {});
  socket.write(`GET /signed-in?state=${state}&code=${"a".repeat(64 * 1024)} HTTP/1.1\r\nHost: x\r\n\r\n`);
  let text = "";
  socket.setEncoding("utf8").on("data", (part: string) => {
    text += part;
  });
  await new Promise((resolve) => socket.once("close", resolve));
  expect(text).not.toContain("200 OK");
  expect((await get(loopback, right())).status).toBe(200);
});

test("clients that send nothing are cut off, and do not keep the browser out", async () => {
  const loopback = await listening({ requestMs: 300 });
  const { hostname, port } = new URL(loopback.redirectUri);
  const slow: Socket[] = [];
  for (let i = 0; i < 20; i++) {
    const socket = connect(Number(port), hostname);
    socket.on("error", () => {});
    socket.write("GET /signed-in?state=");
    slow.push(socket.resume());
  }
  expect((await get(loopback, { state: "wrong" })).status).toBe(404);
  await Promise.all(slow.map((socket) => once(socket, "close")));
  expect((await get(loopback, right())).status).toBe(200);
});

test("connections that are open when the answer comes do not hold the command up", async () => {
  const loopback = await listening();
  const { hostname, port } = new URL(loopback.redirectUri);
  const idle = connect(Number(port), hostname);
  await once(idle, "connect");
  const closed = once(idle.resume(), "close");
  await get(loopback, right());
  await loopback.answer();
  await closed;
});

test("it listens on the loopback address alone", async () => {
  const loopback = await listening();
  const { port } = new URL(loopback.redirectUri);
  const others = Object.values(networkInterfaces())
    .flatMap((list) => list ?? [])
    .filter(({ internal, family }) => !internal && family === "IPv4");
  for (const { address } of others) {
    const socket = connect(Number(port), address);
    await expect(once(socket, "connect")).rejects.toThrow(/ECONNREFUSED/);
  }
});

test("a machine without IPv4 uses the other loopback address", async (context) => {
  const hasIpv6 = Object.values(networkInterfaces())
    .flat()
    .some((one) => one?.address === "::1");
  if (!hasIpv6) context.skip("this machine has no ::1");
  const loopback = await listening({ addresses: ["192.0.2.1", "::1"] });
  expect(loopback.redirectUri).toMatch(/^http:\/\/\[::1\]:\d+\/signed-in$/);
  expect((await get(loopback, right())).status).toBe(200);
});

test("a machine that lets no port be opened is told about device codes", async () => {
  await expect(listening({ addresses: ["192.0.2.1"] })).rejects.toThrow(/sallyport login --device/);
});

describe("the wait ends", () => {
  test("after its limit", async () => {
    const loopback = await listening({ limitMs: 20 });
    await expect(loopback.answer()).rejects.toMatchObject({ stage: "sign-in", code: "timeout" });
    await expect.poll(() => isOpen(loopback)).toBe(false);
  });

  test("at Ctrl-C", async () => {
    const loopback = await listening();
    stop.abort(new Error("Ended by SIGINT."));
    await expect(loopback.answer()).rejects.toThrow("Ended by SIGINT.");
    await expect.poll(() => isOpen(loopback)).toBe(false);
  });
});
