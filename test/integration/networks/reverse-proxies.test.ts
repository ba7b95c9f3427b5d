// Gateways behind real reverse proxies: nginx, HAProxy and Caddy. A proxy that cuts a connection on which nothing moves for a
// minute is given 7.5 seconds instead, and everything of ours that is counted in time is scaled with it (the ping interval
// from 20 s to 2.5 s), so that the test shows the same in an eighth of the time.

import { PassThrough } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { openStatusFile } from "../../../agent/client/tunnel/status-file.ts";
import { tunnelStdio } from "../../../agent/client/tunnel/stdio.ts";
import { createLog } from "../../../agent/platform/log.ts";
import { networkWithEditor } from "../../../agent/platform/network/configured-network.ts";
import { parseGatewayUrl } from "../../../protocol/values/gateway-url.ts";
import { echo, TestStack, type Way } from "../../support/link.ts";
import { LONG } from "../../support/long.ts";
import { Authority, type Certificate } from "./certificates.ts";
import { missing, Programs, type RunningProxy } from "./programs.ts";

const SCALE = vi.hoisted(() => 8);

vi.mock("../../../protocol/limits.ts", async (original) => {
  const limits = await original<typeof import("../../../protocol/limits.ts")>();
  return {
    ...limits,
    PING_INTERVAL_MS: limits.PING_INTERVAL_MS / SCALE,
    DEAD_AFTER_MS: (limits.DEAD_AFTER_MS * 4) / SCALE,
  };
});

/** A minute, the usual one. */
const IDLE_SECONDS = 60 / SCALE;

let programs: Programs;
let stack: TestStack;
let certificate: Certificate;
let authority: Authority;
let token: string;

beforeAll(async () => {
  programs = new Programs();
  authority = new Authority(programs.directory, "Test Authority");
  certificate = authority.sign(["localhost"]);
  stack = await TestStack.start(["--trust-proxy", "127.0.0.1"]);
  const account = await stack.account("ada");
  token = (await stack.token(account, ["account", "connect", "host"])).token;
});

afterAll(async () => {
  await stack?.close();
  await programs?.close();
});

const proxies: [string, (gatewayPort: number) => Promise<RunningProxy>][] = [
  ["nginx", (port) => programs.nginx(port, certificate, { idleSeconds: IDLE_SECONDS })],
  ["haproxy", (port) => programs.haproxy(port, certificate, IDLE_SECONDS)],
  ["caddy", (port) => programs.caddy(port, certificate)],
];

// At the same time: most of it is waiting.
describe.concurrent("behind", LONG, () => {
  test.for(proxies)(
    "%s a host and a tunnel carry bytes, and outlive the idle cut-off",
    async ([program, start], { skip }) => {
      skip(missing(program) !== undefined, missing(program));
      const { port } = await start(Number(new URL(stack.url).port));
      const way: Way = {
        gateway: parseGatewayUrl(`https://localhost:${port}`),
        network: networkWithEditor({ SALLYPORT_CA: authority.file }, undefined),
      };
      const host = await stack.host({ token, name: `dev-${program}`, way });
      const probe = await stack.tunnel(`dev-${program}`, token, way);
      const text = "x".repeat(1_000_000);
      expect(await echo(probe, text)).toBe(text);
      probe.terminate();

      // The companion itself, with its pings, and nothing to carry.
      const [stdin, stdout] = [new PassThrough(), new PassThrough()];
      const abort = new AbortController();
      const context = {
        env: { HOME: programs.directory },
        stdin,
        stdout,
        stderr: new PassThrough(),
        signal: abort.signal,
      };
      const ended = tunnelStdio(
        await stack.tunnel(`dev-${program}`, token, way),
        context,
        createLog({ level: "error", write: () => undefined }),
        openStatusFile("dev", context.env),
      );
      const idle = delay(IDLE_SECONDS * 1000 * 2.5, "idle", { signal: abort.signal }).catch(() => "aborted");
      expect(await Promise.race([idle, ended.then(String, String)])).toBe("idle");
      const answered = new Promise<string>((resolve) => stdout.once("data", (data) => resolve(String(data))));
      stdin.write("still there");
      expect(await answered).toBe("still there");
      stdin.end();
      expect(await ended).toBe(0);
      expect(host.registrations()).toBe(1);
      await host.stop();
    },
  );

  test.for(proxies.slice(0, 2))(
    "%s does cut a connection that is silent",
    async ([program, start], { skip }) => {
      skip(missing(program) !== undefined, missing(program));
      const { createServer } = await import("node:net");
      let since = Number.NaN;
      const silent = createServer((socket) => {
        socket.on("error", () => undefined);
        socket.once("data", () => {
          since = Date.now();
          // The answer to the key below (RFC 6455 §1.3): HAProxy looks at it.
          socket.write(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
          );
        });
      });
      await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
      const address = silent.address();
      const { port } = await start(typeof address === "object" && address !== null ? address.port : 0);
      const { connect } = await import("node:tls");
      const client = connect({ host: "localhost", port, servername: "localhost", ca: await caOf(authority) });
      client.on("error", () => undefined);
      client.write(
        "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
      );
      const head = await new Promise<string>((resolve) =>
        client.once("data", (data) => resolve(String(data))),
      );
      expect(head).toMatch(/^HTTP\/1.1 101/);
      await new Promise((resolve) => client.once("close", resolve).resume());
      expect(Date.now() - since).toBeGreaterThan(IDLE_SECONDS * 1000 * 0.8);
      silent.close();
    },
  );
});

async function caOf({ file }: Authority): Promise<string> {
  const { readFile } = await import("node:fs/promises");
  return await readFile(file, "utf8");
}
