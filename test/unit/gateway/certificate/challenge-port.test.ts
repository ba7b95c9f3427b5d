// The plain HTTP port, spoken to by bare sockets, as strangers do.

import { type AddressInfo, connect, type Socket } from "node:net";
import { text } from "node:stream/consumers";
import { expect, onTestFinished, test } from "vitest";
import {
  CHALLENGE_PORT_LIMITS,
  createChallengePort,
} from "../../../../gateway/certificate/challenge-port.ts";
import { parseGatewayUrl } from "../../../../protocol/values/gateway-url.ts";
import { until } from "../../../support/until.ts";

const TOKEN = "LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0";

async function challengePort(
  publicUrl = "https://gateway.example",
  limits: Partial<typeof CHALLENGE_PORT_LIMITS> | { connections: number } = {},
): Promise<number> {
  const answer = (token: string) => (token === TOKEN ? `${TOKEN}.thumbprint` : undefined);
  const server = createChallengePort(
    { publicUrl: parseGatewayUrl(publicUrl), answer },
    { ...CHALLENGE_PORT_LIMITS, ...limits },
  );
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

function dial(port: number, from = "127.0.0.1"): Socket {
  const socket = connect({ port, host: "127.0.0.1", localAddress: from }).on("error", () => undefined);
  onTestFinished(() => void socket.destroy());
  return socket;
}

async function ask(port: number, request: string): Promise<string> {
  const socket = dial(port);
  socket.write(request);
  return text(socket);
}

const get = (path: string, host = "gateway.example", method = "GET") =>
  `${method} ${path} HTTP/1.1\r\nhost: ${host}\r\n\r\n`;

/** Whether the challenge is, rather than the connection refused. */
async function answered(port: number): Promise<boolean> {
  const answer = await ask(port, get(`/.well-known/acme-challenge/${TOKEN}`)).catch(() => "");
  return answer.startsWith("HTTP/1.1 200 ");
}

test("a running challenge is answered, whatever host the request names, and the connection closed", async () => {
  const port = await challengePort();
  for (const host of ["gateway.example", "evil.example"]) {
    const answer = await ask(port, get(`/.well-known/acme-challenge/${TOKEN}`, host));
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(answer).toMatch(/\r\nconnection: close\r\n/i);
    expect(answer.endsWith(`\r\n\r\n${TOKEN}.thumbprint`)).toBe(true);
  }
});

test.each([
  "/.well-known/acme-challenge/",
  "/.well-known/acme-challenge/short",
  `/.well-known/acme-challenge/${"A".repeat(43)}`,
  `/.well-known/acme-challenge/${TOKEN}/`,
  `/.well-known/acme-challenge/${TOKEN}?x`,
  `/.well-known/acme-challenge/../acme-challenge/${TOKEN}`,
  `/.well-known/acme-challenge/%4c${TOKEN.slice(1)}`,
  `/.well-known/acme-challenge/${"A".repeat(3_000)}`,
])("other paths below the challenges have no answer: %.70s", async (path) => {
  expect(await ask(await challengePort(), get(path))).toMatch(/^HTTP\/1\.1 404 /);
});

test("everything else is redirected to the public URL, and never to a host that the request names", async () => {
  const port = await challengePort("https://gateway.example:8443/below");
  const location = async (path: string) =>
    /\r\nlocation: (.*)\r\n/i.exec(await ask(port, get(path, "evil.example")))?.[1];
  expect(await location("/")).toBe("https://gateway.example:8443/");
  expect(await location("/below/x?y=1")).toBe("https://gateway.example:8443/below/x?y=1");
  expect(await location("//evil.example/")).toBe("https://gateway.example:8443//evil.example/");
  expect(await ask(port, get("http://evil.example/"))).toMatch(/^HTTP\/1\.1 404 /);
  expect(await ask(port, get("@evil.example/"))).toMatch(/^HTTP\/1\.1 4\d\d /);
});

test("what is sent in clear text is refused instead of redirected", async () => {
  const port = await challengePort();
  for (const method of ["POST", "PUT", "DELETE", "OPTIONS"]) {
    const answer = await ask(port, get("/api/v1/accounts", "gateway.example", method));
    expect(answer).toMatch(/^HTTP\/1\.1 403 /);
    expect(answer).not.toMatch(/\r\nlocation:/i);
  }
});

test("headers beyond the limit end the connection", async () => {
  const port = await challengePort();
  const answer = await ask(port, `GET / HTTP/1.1\r\nhost: x\r\nx: ${"y".repeat(20_000)}\r\n\r\n`);
  expect(answer).toMatch(/^HTTP\/1\.1 400 /);
});

test("a second request on one connection is not answered", async () => {
  const port = await challengePort();
  const answer = await ask(port, get(`/.well-known/acme-challenge/${TOKEN}`).repeat(2));
  expect(answer.match(/HTTP\/1\.1/g)).toHaveLength(1);
});

test("silent and slow connections are closed within seconds", async () => {
  const port = await challengePort();
  const began = Date.now();
  const silent = dial(port);
  const slow = dial(port);
  slow.write("GET / HTTP/1.1\r\n");
  const drip = setInterval(() => slow.write("x: y\r\n"), 200);
  onTestFinished(() => clearInterval(drip));
  silent.resume();
  slow.resume();
  await until(() => silent.closed && slow.closed, 60_000);
  expect(Date.now() - began).toBeGreaterThanOrEqual(CHALLENGE_PORT_LIMITS.requestMs - 100);
});

test("one address that holds all it may still gets an answer, by the eviction of what is stalled", async () => {
  const port = await challengePort();
  const held = Array.from({ length: CHALLENGE_PORT_LIMITS.perAddress }, () => dial(port).resume());
  await until(() => held.every((socket) => socket.readyState === "open"));
  await until(() => answered(port));
  await until(() => held.some((socket) => socket.closed));
});

test.skipIf(process.platform !== "linux")(
  "when strangers of many addresses hold every connection, a request still gets an answer",
  async () => {
    const connections = 40;
    const port = await challengePort(undefined, { connections });
    const held = Array.from({ length: connections }, (_, i) => dial(port, `127.0.${i}.1`).resume());
    await until(() => held.every((socket) => socket.readyState === "open"));
    for (const socket of held) socket.write("GET / HTTP/1.1\r\n");
    await until(() => answered(port));
    // One gave way, and the others have their time.
    expect(held.filter((socket) => socket.closed)).toHaveLength(1);
  },
);
