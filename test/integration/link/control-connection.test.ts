// The wire of a link, spoken by the test itself: control messages, and dialling back for streams.

import { once } from "node:events";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { WebSocket } from "ws";
import { loadIdentity } from "../../../agent/host/identity.ts";
import { dialWebSocket } from "../../../agent/platform/network/dial-web-socket.ts";
import { CLOSE } from "../../../protocol/errors.ts";
import { MAX_CONTROL_BYTES } from "../../../protocol/limits.ts";
import { PATHS, SUBPROTOCOL } from "../../../protocol/values/gateway-url.ts";
import { newStreamToken } from "../../../protocol/values/token.ts";
import { echo, TestStack } from "../../support/link.ts";

let stack: TestStack;
beforeEach(async () => {
  stack = await TestStack.start(["--open"]);
});
afterEach(() => stack.close());

const audited = (event: string): string[] => stack.log.filter((line) => line.includes(`"audit":"${event}"`));

describe("a control connection", () => {
  async function connect(
    token?: string,
  ): Promise<{ socket: WebSocket; messages: Record<string, unknown>[] }> {
    const socket = await dialWebSocket({
      gateway: stack.url,
      path: PATHS.link,
      subprotocols: [SUBPROTOCOL.control],
      token,
      signal: AbortSignal.timeout(20_000),
    });
    const messages: Record<string, unknown>[] = [];
    socket.on("message", (data) => messages.push(JSON.parse(String(data))));
    socket.resume();
    await expect.poll(() => messages.length).toBeGreaterThan(0);
    return { socket, messages };
  }

  test("that sends nonsense, a wrong signature or an old version is told its code and closed; others live on", async () => {
    const bystander = await stack.host({});
    const identity = await loadIdentity(join(stack.directory, "x"));
    const register = {
      type: "register",
      version: 1,
      name: "dev",
      workspaceId: null,
      hostKeys: [`ssh-ed25519 ${identity.publicKey.blob}`],
      signature: Buffer.alloc(64).toString("base64"),
      agent: "test",
      endToEndOnly: false,
      ownerTokens: true,
    };
    const cases: [unknown, string][] = [
      ["nonsense", "bad_message"],
      [{ type: "pong" }, "bad_message"],
      [{ ...register, extra: 1 }, "bad_message"],
      [register, "identity_mismatch"],
      [{ ...register, version: 2 }, "unsupported_version"],
      [{ ...register, hostKeys: ["ssh-ed25519 AAAA"] }, "bad_key"],
    ];
    for (const [message, code] of cases) {
      const { socket, messages } = await connect();
      const closed = once(socket, "close");
      socket.send(typeof message === "string" ? message : JSON.stringify(message));
      expect((await closed)[0]).toBe(CLOSE.refused);
      expect(messages.at(-1)).toMatchObject({ type: "error", code });
      expect(audited("connection.refused").at(-1)).toContain(code);
    }
    expect(stack.gateway.registry.get(bystander.id)).toBeDefined();
    expect(stack.gateway.registry.size).toBe(1);
  });

  test("that sends more than its limit is closed with 1009", async () => {
    const { socket } = await connect();
    const closed = once(socket, "close");
    socket.send("x".repeat(MAX_CONTROL_BYTES + 1));
    expect((await closed)[0]).toBe(CLOSE.tooLarge);
  });

  test("without a token is refused where registration is not open, before the upgrade", async () => {
    const closed = await TestStack.start();
    try {
      await expect(closed.host({})).rejects.toMatchObject({ code: "registration_closed", stage: "sign-in" });
    } finally {
      await closed.close();
    }
  });
});

describe("a dial-back", () => {
  const dial = (token: string | undefined) =>
    dialWebSocket({
      gateway: stack.url,
      path: PATHS.stream,
      subprotocols: [SUBPROTOCOL.raw],
      token,
      signal: AbortSignal.timeout(20_000),
    });

  test("with a wrong, a malformed or no stream token is refused", async () => {
    await expect(dial(newStreamToken())).rejects.toMatchObject({ code: "stream_unknown" });
    await expect(dial("sps_x")).rejects.toMatchObject({ code: "bad_token" });
    await expect(dial(undefined)).rejects.toMatchObject({ code: "bad_token" });
  });

  test("with a token that was used is refused, and the stream that it opened lives on", async () => {
    const { token } = await stack.token(await stack.account("ann"), ["host", "connect"]);
    let used = "";
    await stack.host({
      token,
      onStream(stream, open) {
        used = open.stream;
        stream.pipe(stream);
      },
    });
    const tunnel = await stack.tunnel("dev", token);
    expect(await echo(tunnel, "one")).toBe("one");
    await expect(dial(used)).rejects.toMatchObject({ code: "stream_unknown" });
    expect(await echo(tunnel, "two")).toBe("two");
  });
});
