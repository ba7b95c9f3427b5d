// Malicious hosts and gateways, and changes at the worst possible moment.

import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type WebSocket, WebSocketServer } from "ws";
import { type HostIdentity, loadIdentity } from "../../../agent/host/identity.ts";
import { holdLink } from "../../../agent/host/link/link.ts";
import { createLog } from "../../../agent/platform/log.ts";
import { dialWebSocket } from "../../../agent/platform/network/dial-web-socket.ts";
import { parseGatewayMessage, registrationPayload } from "../../../protocol/control.ts";
import { ByteBudget } from "../../../protocol/resume/outgoing.ts";
import { Responder } from "../../../protocol/resume/responder.ts";
import { PATHS, parseGatewayUrl, SUBPROTOCOL } from "../../../protocol/values/gateway-url.ts";
import { parseName } from "../../../protocol/values/name.ts";
import { formatPublicKey, parsePublicKey } from "../../../protocol/values/ssh-public-key.ts";
import { newStreamToken } from "../../../protocol/values/token.ts";
import { echo, TestStack } from "../../support/link.ts";
import { provedKey } from "../../support/ssh/register-key.ts";

let stack: TestStack;
beforeEach(async () => {
  stack = await TestStack.start();
});
afterEach(async () => {
  vi.restoreAllMocks();
  await stack.close();
});

type Message = Record<string, unknown>;

/** A control connection that the test speaks itself, after its challenge. */
async function control(
  token: string,
): Promise<{ socket: WebSocket; messages: Message[]; identity: HostIdentity }> {
  const identity = await loadIdentity(join(stack.directory, "by-hand"));
  const socket = await dialWebSocket({
    gateway: stack.url,
    path: PATHS.link,
    subprotocols: [SUBPROTOCOL.control],
    token,
    signal: AbortSignal.timeout(20_000),
  });
  const messages: Message[] = [];
  socket.on("message", (data) => messages.push(JSON.parse(String(data))));
  socket.resume();
  await expect.poll(() => messages.length).toBe(1);
  return { socket, messages, identity };
}

async function register({ socket, messages, identity }: Awaited<ReturnType<typeof control>>): Promise<void> {
  const challenge = parseGatewayMessage(JSON.stringify(messages[0]));
  if (challenge.type !== "challenge") throw new Error(`there was no challenge but ${challenge.type}`);
  const payload = registrationPayload(challenge.nonce, challenge.gatewayKeys[0] ?? "");
  socket.send(
    JSON.stringify({
      type: "register",
      version: 1,
      name: "by-hand",
      workspaceId: null,
      hostKeys: [formatPublicKey({ ...identity.publicKey, comment: "" })],
      signature: identity.sign(payload).toString("base64"),
      agent: "test",
      endToEndOnly: false,
      ownerTokens: false,
    }),
  );
  await expect.poll(() => messages.length).toBeGreaterThan(1);
}

describe("a registered host", () => {
  test("that refuses a stream by a malformed stream token loses its link, and nobody else is affected", async () => {
    const ann = await stack.account("ann");
    const { token } = await stack.token(ann, ["host", "connect"], null, { reusable: true });
    await stack.host({ token });
    const tunnel = await stack.tunnel("dev", token);
    const hostile = await control(token);
    await register(hostile);
    hostile.socket.send(JSON.stringify({ type: "refuse", stream: "sps_a", message: "no" }));
    await expect
      .poll(() => hostile.messages.at(-1))
      .toMatchObject({
        type: "error",
        code: "bad_token",
      });
    expect(await echo(tunnel, "still there")).toBe("still there");
    await expect.poll(() => stack.gateway.registry.size).toBe(1);
  });
});

describe("a host that sends more control messages than it was asked for", () => {
  test("is told so and loses its link, even if it does not stop sending", async () => {
    const { token } = await stack.token(await stack.account("ann"), ["host", "connect"]);
    const hostile = await control(token);
    await register(hostile);
    const closed = once(hostile.socket, "close");
    hostile.socket.on("error", () => undefined);
    for (let i = 0; i < 20_000; i++) hostile.socket.send(JSON.stringify({ type: "ping" }));
    await expect.poll(() => stack.gateway.registry.size).toBe(0);
    await closed;
    expect(hostile.messages.at(-1)).toMatchObject({ type: "error", code: "rate_limited" });
    // Answers to the first of them, one on its way at a time.
    expect(hostile.messages.filter(({ type }) => type === "pong").length).toBeLessThanOrEqual(1_100);
  });

  test("keeps its link as long as it only answers, however often it is asked", async () => {
    const { token } = await stack.token(await stack.account("ann"), ["host", "connect"]);
    const hostile = await control(token);
    await register(hostile);
    hostile.socket.on("message", (data) => {
      if (JSON.parse(String(data)).type === "ping") hostile.socket.send(JSON.stringify({ type: "pong" }));
    });
    const [link] = [...stack.gateway.registry.all()];
    for (let i = 0; i < 2_000; i++) expect(await link?.probe(20_000)).toBe(true);
    expect(stack.gateway.registry.size).toBe(1);
  });
});

describe("a host whose messages contain control characters", () => {
  test.each(["no\u0007", "\u202eon", "a\nb"])("loses its link: %j", async (message) => {
    const { token } = await stack.token(await stack.account("ann"), ["host", "connect"]);
    const hostile = await control(token);
    await register(hostile);
    hostile.socket.send(JSON.stringify({ type: "refuse", stream: newStreamToken(), message }));
    await expect.poll(() => hostile.messages.at(-1)).toMatchObject({ type: "error", code: "bad_message" });
    await expect.poll(() => stack.gateway.registry.size).toBe(0);
  });
});

describe("a host whose token is revoked while it registers", () => {
  test("is refused after its challenge", async () => {
    const ann = await stack.account("ann");
    const { token, info } = await stack.token(ann, ["host"]);
    const connection = await control(token);
    await stack.gateway.store.tokens.revoke(ann, info.id as never, { account: "ann" });
    await register(connection);
    expect(connection.messages[1]).toMatchObject({ type: "error", code: "token_revoked" });
    expect(stack.gateway.registry.size).toBe(0);
    expect(await stack.gateway.store.workspaces.list(ann)).toEqual([]);
  });

  test("loses its link if that happens at the last moment", async () => {
    const { store } = stack.gateway;
    const ann = await stack.account("ann");
    const { token, info } = await stack.token(ann, ["host"]);
    const pushedKeys = store.pushedKeys.bind(store);
    vi.spyOn(store, "pushedKeys").mockImplementationOnce(async (id) => {
      const keys = await pushedKeys(id);
      await store.tokens.revoke(ann, info.id as never, { account: "ann" });
      return keys;
    });
    const connection = await control(token);
    await register(connection);
    await expect
      .poll(() => connection.messages.at(-1))
      .toMatchObject({
        type: "error",
        code: "token_revoked",
      });
    expect(stack.gateway.registry.size).toBe(0);
  });
});

test("A key that is removed while a host registers is taken back from the host.", async () => {
  const { store } = stack.gateway;
  const ann = await stack.account("ann");
  const { token } = await stack.token(ann, ["host"]);
  const blob = Buffer.concat([Buffer.from("\0\0\0\x0bssh-ed25519\0\0\0\x20", "latin1"), Buffer.alloc(32, 7)]);
  const key = parsePublicKey(`ssh-ed25519 ${blob.toString("base64")}`);
  const added = await provedKey(store, ann, key, "", { account: "ann" });
  const pushedKeys = store.pushedKeys.bind(store);
  vi.spyOn(store, "pushedKeys").mockImplementationOnce(async (id) => {
    const keys = await pushedKeys(id);
    await store.keys.remove(ann, added.id as never, { account: "ann" });
    return keys;
  });
  const host = await stack.host({ token });
  expect(host.keys[0]).toHaveLength(1);
  await expect.poll(() => host.keys.at(-1)).toEqual([]);
});

test("A gateway that asks without end and does not read the answers loses the link.", async () => {
  const gateway = new WebSocketServer({
    host: "127.0.0.1",
    port: 0,
    // Dial-backs are never answered, so that the host refuses all further ones: its longest answer.
    verifyClient: ({ req }: { req: IncomingMessage }, accept: (accepted: boolean) => void) => {
      if (req.url === PATHS.link) accept(true);
    },
  });
  await once(gateway, "listening");
  const address = gateway.address();
  if (typeof address === "string" || address === null) throw new Error("no port");
  let isLost = false;
  gateway.on("connection", (socket) => {
    socket.on("error", () => {
      // The host cuts the connection, as the test expects.
    });
    socket.pause();
    const open = {
      type: "open",
      stream: `sps_${"x".repeat(70)}`,
      via: "tunnel",
      client: { address: "192.0.2.1", account: null },
    };
    const question = JSON.stringify(open);
    const flood = (): void => {
      if (isLost) return;
      for (let i = 0; i < 2000 && socket.bufferedAmount < 1024 * 1024; i++) socket.send(question);
      setImmediate(flood);
    };
    flood();
  });
  const stop = new AbortController();
  const held = holdLink(
    {
      gateway: parseGatewayUrl(`http://127.0.0.1:${address.port}`),
      token: () => Promise.resolve(undefined),
      identity: await loadIdentity(join(stack.directory, "flooded")),
      name: parseName("dev"),
      endToEndOnly: false,
      ownerTokens: false,
      agent: "test",
      log: createLog({
        level: "warn",
        write: (line) => {
          isLost ||= line.includes("is down");
        },
      }),
      onRegistered: () => undefined,
      onGatewayKeys: () => undefined,
      onKeys: () => undefined,
      onStream: () => undefined,
      responder: new Responder({ budget: new ByteBudget(1) }),
    },
    stop.signal,
  );
  await expect.poll(() => isLost).toBe(true);
  stop.abort(new Error("the test is over"));
  await held;
  for (const socket of gateway.clients) socket.terminate();
  gateway.close();
});
