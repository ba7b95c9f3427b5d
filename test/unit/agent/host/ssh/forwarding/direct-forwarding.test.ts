// Connections to names with several addresses, which a client asks the host for: with real sockets, and names that only the
// test knows.

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { connect, createServer, type Server } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { createDirectForwarding } from "../../../../../../agent/host/ssh/forwarding/direct-forwarding.ts";
import { ALL_PERMISSIONS } from "../../../../../../agent/host/ssh/sign-in/key-grant.ts";
import type { LookUp } from "../../../../../../agent/platform/network/happy-eyeballs.ts";
import { encode, WireReader } from "../../../../../../protocol/ssh/wire.ts";

const quiet = { debug() {}, info() {}, warn() {}, error() {} };
/** A listener whose queue is full, so that the kernel drops connections until the test lets it accept all. */
const SLOW = `
import socket, sys
slow = socket.socket()
slow.bind(("127.0.0.2", int(sys.argv[1])))
slow.listen(0)
fill = []
for _ in range(4):
    one = socket.socket()
    one.setblocking(False)
    one.connect_ex(("127.0.0.2", int(sys.argv[1])))
    fill.append(one)
print("full", flush=True)
sys.stdin.readline()
while True:
    fill.append(slow.accept()[0])
`;
const HAS_PYTHON = spawnSync("python3", ["--version"]).status === 0;

const servers: Server[] = [];
const children: ChildProcess[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
  for (const child of children.splice(0)) child.kill();
});

async function listen(host: string): Promise<{ server: Server; port: number }> {
  const server = createServer((socket) => socket.on("error", () => {}).resume());
  server.listen(0, host);
  await once(server, "listening");
  servers.push(server);
  const address = server.address();
  return { server, port: typeof address === "object" && address !== null ? address.port : 0 };
}

const resolvesTo =
  (...addresses: string[]): LookUp =>
  (_, done) =>
    setImmediate(() =>
      done(
        null,
        addresses.map((address) => ({ address, family: 4 })),
      ),
    );

/** What the client is told about its channel. */
function ask(host: string, port: number, lookUp?: LookUp): Promise<string> {
  return new Promise((resolve) => {
    createDirectForwarding(ALL_PERMISSIONS, "/", quiet, lookUp).tcp({
      type: "direct-tcpip",
      data: new WireReader(encode(host, port, "127.0.0.1", 1)),
      accept: () => {
        resolve("open");
        return undefined;
      },
      refuse: (_, description) => resolve(`refused: ${description}`),
    });
  });
}

describe("a forward to a name", () => {
  test.skipIf(!HAS_PYTHON)(
    `reaches an address that takes its time, where another refuses${HAS_PYTHON ? "" : " (no python3 here)"}`,
    async () => {
      const { server, port } = await listen("127.0.0.1");
      await new Promise((resolve) => server.close(resolve));
      const slow = spawn("python3", ["-c", SLOW, String(port)], { stdio: ["pipe", "pipe", "inherit"] });
      children.push(slow);
      await once(slow.stdout, "data");
      const answer = ask("two.test", port, resolvesTo("127.0.0.2", "127.0.0.1"));
      // By the time that a later request is answered, the first address has been tried.
      for (let round = 0; round < 2; round++) await once(connect(port, "127.0.0.1"), "error").catch(() => {});
      slow.stdin.write("go\n");
      expect(await answer).toBe("open");
    },
  );

  test("goes on to the next address where one refuses", async () => {
    const { port } = await listen("127.0.0.1");
    expect(await ask("two.test", port, resolvesTo("127.0.0.3", "127.0.0.1"))).toBe("open");
  });

  test("says why it failed, whatever the reason", async () => {
    const { server, port } = await listen("127.0.0.1");
    await new Promise((resolve) => server.close(resolve));
    expect(await ask("two.test", port, resolvesTo("127.0.0.3", "127.0.0.1"))).toMatch(/ECONNREFUSED/);
    expect(await ask("127.0.0.1", port)).toMatch(/ECONNREFUSED/);
    expect(await ask("none.test", port, resolvesTo())).toBe("refused: none.test has no address");
    const fails: LookUp = (_, done) => setImmediate(() => done(new Error("no such name"), []));
    expect(await ask("none.test", port, fails)).toBe("refused: no such name");
  });
});
