// People join an upterm session through this gateway without Sallyport: with a stock ssh, a stock client over
// SSH and over WebSocket, and ssh behind `upterm proxy`.

import { createHash, randomBytes } from "node:crypto";
import { createServer } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { LONG, longIf } from "../../support/long.ts";
import { type TestKey, type UptermHost, UptermStack, until } from "./harness.ts";
import { BUILD_MS, NO_PEERS } from "./peers.ts";

const note = NO_PEERS === undefined ? "" : ` (skipped: ${NO_PEERS})`;

describe.skipIf(NO_PEERS !== undefined)(`an upterm session${note}`, () => {
  let stack: UptermStack;
  let key: TestKey;
  const hosts = new Map<"ssh" | "ws", UptermHost>();

  beforeAll(async () => {
    stack = await UptermStack.start();
    key = stack.key();
    for (const over of ["ssh", "ws"] as const) hosts.set(over, await stack.host({ over, allow: [key] }));
  }, BUILD_MS);
  afterAll(() => stack.close());

  function host(over: "ssh" | "ws" = "ssh"): UptermHost {
    const found = hosts.get(over);
    if (found === undefined) throw new Error("no host");
    return found;
  }

  for (const over of ["ssh", "ws"] as const) {
    describe(`of a host that came by ${over}`, longIf(over === "ws"), () => {
      test("is joined by a stock ssh, with its output, its error output and its exit status", async () => {
        const said = await stack.ssh(key, host(over).session, ["127.0.0.1", "say hello world"]);
        expect(said).toMatchObject({ code: 0, stdout: Buffer.from("hello world\n") });
        const failed = await stack.ssh(key, host(over).session, ["127.0.0.1", "fail 7"]);
        expect(failed.code).toBe(7);
        expect(failed.stderr).toContain("failing");
      });

      test("is joined by ssh behind a WebSocket proxy", async () => {
        const command = stack.proxyCommand(host(over).session);
        const said = await stack.ssh(key, host(over).session, [
          "-o",
          `ProxyCommand=${command}`,
          "gateway",
          "say hi",
        ]);
        expect(said).toMatchObject({ code: 0, stdout: Buffer.from("hi\n") });
      });

      test.each(["ssh", "ws"] as const)("is joined by a client that comes by %s", async (by) => {
        const said = await stack.client(key, host(over).session, "whoami", { over: by });
        expect(said).toMatchObject({ code: 0, stdout: Buffer.from(`${key.fingerprint}\n`) });
      });

      test("carries 20 MB in and out, and the end of the input", LONG, async () => {
        const input = randomBytes(20_000_000);
        const summed = await stack.ssh(key, host(over).session, ["127.0.0.1", "sum"], input);
        expect(summed.stdout.toString().trim()).toBe(createHash("sha256").update(input).digest("hex"));
        const back = await stack.ssh(key, host(over).session, ["127.0.0.1", "cat"], input);
        expect(back.stdout.equals(input)).toBe(true);
      });
    });
  }

  test("tells the host who joins: the proved key, the client's version and address", async () => {
    const after = host().peer.events.length;
    await stack.client(key, host().session, "say x");
    expect(await host().peer.event("joined", after)).toMatchObject({
      user: host().session,
      key: key.fingerprint,
      client: "SSH-2.0-upterm-client-client",
      address: expect.stringContaining("127.0.0.1"),
    });
  });

  test("accepts a node behind the id, as other gateways write it", async () => {
    const user = `${host().session}:${Buffer.from("node.example:22").toString("base64url")}==`;
    const after = host().peer.events.length;
    expect((await stack.client(key, user, "say node")).stdout.toString()).toBe("node\n");
    expect(await host().peer.event("joined", after)).toMatchObject({ user });
    const byWebSocket = await stack.client(key, host().session, "say node", {
      over: "ws",
      args: ["-node", "bm9kZQ=="],
    });
    expect(byWebSocket.stdout.toString()).toBe("node\n");
  });

  test("passes on requests that the gateway does not know", async () => {
    const passed = await stack.client(key, host().session, "say x", {
      args: ["-request", "test-request@sallyport"],
    });
    expect(passed).toMatchObject({ code: 0, stdout: Buffer.from("x\n") });
  });

  test("passes on forwards", async () => {
    const target = createServer((socket) => socket.end("from behind the host"));
    await new Promise<void>((resolve) => target.listen(0, "127.0.0.1", resolve));
    const address = target.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    const got = await stack.ssh(key, host().session, ["-W", `127.0.0.1:${port}`, "127.0.0.1"]);
    expect(got.stdout.toString()).toBe("from behind the host");
    target.close();
  });

  test("is not joined with a different key, without a key, or by a different id", async () => {
    // The host itself would let them all in.
    const { peer, session } = await stack.host({ allow: [key], args: ["-trusting"] });
    const other = stack.key();
    expect((await stack.ssh(other, session, ["127.0.0.1", "say x"])).code).toBe(255);
    expect((await stack.ssh(undefined, session, ["127.0.0.1", "say x"])).code).toBe(255);
    expect((await stack.client(other, session, "say x", { over: "ws" })).code).toBe(1);
    expect((await stack.client(key, "AbCdEfGhIjKlMnOpQrSt", "say x")).code).toBe(1);
    expect(peer.events.map(({ event }) => event)).toEqual(["connected", "created", "ready"]);
    expect((await stack.ssh(key, session, ["127.0.0.1", "say x"])).code).toBe(0);
  });

  test("without named keys is joined by anyone who proves a key, of each kind", async () => {
    const { session } = await stack.host();
    for (const type of ["ed25519", "ecdsa", "rsa"]) {
      const stranger = stack.key(type);
      const said = await stack.ssh(stranger, session, ["127.0.0.1", "whoami"]);
      expect(said.stdout.toString()).toBe(`${stranger.fingerprint}\n`);
    }
    expect((await stack.ssh(undefined, session, ["127.0.0.1", "say x"])).code).toBe(255);
  });

  test("is refused when the host presents a key that it did not register", async () => {
    const lying = await stack.host({ allow: [key], args: ["-claim", stack.key().line] });
    expect((await stack.client(key, lying.session, "say x")).code).not.toBe(0);
    expect(lying.peer.events.some(({ event }) => event === "joined")).toBe(false);
  });

  test("ends its clients when its host goes away", async () => {
    const going = await stack.host({ allow: [key] });
    const client = stack.client(key, going.session, "fill 2000000000");
    await going.peer.event("joined");
    await going.peer.kill();
    expect((await client).code).not.toBe(0);
  });

  test("is audited with the client's key, and never with the id", async () => {
    await stack.client(key, host().session, "say x");
    await until(() => stack.log.some((line) => line.includes(key.fingerprint)));
    expect(stack.log.some((line) => line.includes(host().session))).toBe(false);
  });

  describe("a WebSocket request", () => {
    const basic = `Basic ${Buffer.from("AbCdEfGhIjKlMnOpQrSt:").toString("base64")}`;
    const version = "SSH-2.0-upterm-client-client";

    test.each([
      ["without a version", { Authorization: basic }],
      ["without credentials", { "Upterm-Client-Version": version }],
    ])("%s is answered with 400", async (_what, headers) => {
      expect(await answer(headers)).toBe("status 400");
    });

    test("for what cannot be a session is closed with 1011", async () => {
      const wrong = `Basic ${Buffer.from("ada:").toString("base64")}`;
      expect(await answer({ Authorization: wrong, "Upterm-Client-Version": version })).toBe("closed 1011");
    });

    test("reaches the SSH server at any path", async () => {
      const socket = new WebSocket(`${stack.url("ws")}/any/path`, {
        headers: { Authorization: basic, "Upterm-Client-Version": version },
      });
      const first = await new Promise((resolve, reject) => {
        socket.once("message", (data) => resolve(String(data)));
        socket.once("error", reject);
      });
      socket.terminate();
      expect(first).toMatch(/^SSH-2\.0-/);
    });

    function answer(headers: Record<string, string>): Promise<string> {
      const socket = new WebSocket(stack.url("ws"), { headers });
      return new Promise((resolve) => {
        socket.once("unexpected-response", (_request, response) => resolve(`status ${response.statusCode}`));
        socket.once("close", (code) => resolve(`closed ${code}`));
        socket.once("error", () => undefined);
      });
    }
  });
});
