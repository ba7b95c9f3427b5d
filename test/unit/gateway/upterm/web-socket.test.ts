import { IncomingMessage } from "node:http";
import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { carrySsh, isUptermRequest, readUptermRequest } from "../../../../gateway/upterm/web-socket.ts";
import { webSocketPairs } from "../link/web-socket-pair.ts";

const HOST = "SSH-2.0-upterm-host-client";
const CLIENT = "SSH-2.0-upterm-client-client";
const ID = "AbCdEfGhIjKlMnOpQrSt";
const basic = (text: string): string => `Basic ${Buffer.from(text).toString("base64")}`;

describe("a request", () => {
  test("of a host may have any user name", () => {
    expect(
      readUptermRequest(request({ "upterm-client-version": HOST, authorization: basic("ada:") })),
    ).toEqual({
      role: "host",
    });
  });

  test("of a client names its session; the node behind it is not kept", () => {
    const node = Buffer.from("127.0.0.1:22").toString("base64url");
    const headers = { "upterm-client-version": CLIENT, authorization: basic(`${ID}:${node}`) };
    expect(readUptermRequest(request(headers))).toEqual({ role: "client", session: ID });
  });

  test("of a client with a different kind of user name has no session", () => {
    const headers = { "upterm-client-version": CLIENT, authorization: basic("ada:x") };
    expect(readUptermRequest(request(headers))).toEqual({ role: "client", session: undefined });
  });

  test.each([
    ["no version", { authorization: basic("a:b") }],
    ["no credentials", { "upterm-client-version": CLIENT }],
    ["a bearer token", { "upterm-client-version": CLIENT, authorization: "Bearer abc" }],
    ["no colon", { "upterm-client-version": CLIENT, authorization: basic("abc") }],
    ["damaged base64", { "upterm-client-version": CLIENT, authorization: "Basic a-b" }],
    ["endless credentials", { "upterm-client-version": CLIENT, authorization: basic("a".repeat(4_000)) }],
  ])("with %s is a bad one", (_what, headers) => {
    expect(isUptermRequest(request(headers))).toBe(true);
    expect(() => readUptermRequest(request(headers))).toThrow(
      expect.objectContaining({ code: "bad_request" }),
    );
  });

  test("without any of the headers is not upterm's", () => {
    expect(isUptermRequest(request({}))).toBe(false);
    expect(isUptermRequest(request({ authorization: "Bearer abc" }))).toBe(false);
  });
});

describe("a carried connection", () => {
  let pairs: Awaited<ReturnType<typeof webSocketPairs>>;
  beforeAll(async () => {
    pairs = await webSocketPairs();
  });
  afterAll(() => pairs.close());

  test("is the bytes of the messages, whatever their borders", async () => {
    const { client, server } = await pairs.make();
    const accepted: { stream: Duplex; address: string }[] = [];
    carrySsh(server, { role: "client", session: ID }, "192.0.2.7", {
      accept: (stream, address) => accepted.push({ stream, address }),
    });
    const [{ stream, address } = { stream: undefined, address: "" }] = accepted;
    expect(address).toBe("192.0.2.7");
    stream?.on("data", (data: Buffer) => stream.write(data.toString().toUpperCase()));
    let text = "";
    const all = new Promise<void>((resolve) => {
      client.on("message", (data) => {
        text += String(data);
        if (text.length === 6) resolve();
      });
    });
    client.send(Buffer.from("ab"));
    client.send(Buffer.from("cdef"));
    await all;
    expect(text).toBe("ABCDEF");
  });

  test("that the server refuses closes with 1011", async () => {
    const { client, server } = await pairs.make();
    const code = closeCode(client);
    carrySsh(server, { role: "host" }, "192.0.2.7", { accept: (stream) => void stream.destroy() });
    expect(await code).toBe(1011);
  });

  test("that the server ends after its first bytes closes as usual", async () => {
    const { client, server } = await pairs.make();
    const code = closeCode(client);
    carrySsh(server, { role: "host" }, "192.0.2.7", { accept: (stream) => void stream.end("SSH-2.0-x\r\n") });
    expect(await code).toBe(1000);
  });

  test("for what cannot be a session closes with 1011, and the server hears nothing of it", async () => {
    const { client, server } = await pairs.make();
    const code = closeCode(client);
    carrySsh(server, { role: "client", session: undefined }, "192.0.2.7", {
      accept: () => expect.unreachable(),
    });
    expect(await code).toBe(1011);
  });
});

function closeCode(socket: {
  once(event: "close", listener: (code: number) => void): unknown;
}): Promise<number> {
  return new Promise((resolve) => socket.once("close", resolve));
}

function request(headers: Record<string, string>): IncomingMessage {
  const message = new IncomingMessage(new Socket());
  Object.assign(message.headers, headers);
  return message;
}
