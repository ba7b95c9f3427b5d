// A gateway with an address that does not answer: a listener of this machine whose queue is full, so that the kernel drops what
// comes, as a broken IPv6 route does.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { connect, createServer, type Server } from "node:net";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { ATTEMPT_DELAY_MS } from "../../../agent/platform/network/happy-eyeballs.ts";
import { openTcp } from "../../../agent/platform/network/open-socket.ts";
import { missing } from "./programs.ts";

const BLACK_HOLE = `
import socket, sys
hole = socket.socket(socket.AF_INET6)
hole.bind(("::1", int(sys.argv[1])))
hole.listen(0)
fill = []
for _ in range(4):
    one = socket.socket(socket.AF_INET6)
    one.setblocking(False)
    one.connect_ex(("::1", int(sys.argv[1])))
    fill.append(one)
print("full", flush=True)
sys.stdin.read()
`;

let server: Server;
let port: number;
let hole: ChildProcess | undefined;

beforeAll(async () => {
  server = createServer((socket) => socket.on("error", () => undefined).end());
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  port = typeof address === "object" && address !== null ? address.port : 0;
});

afterEach(() => {
  vi.useRealTimers();
});

afterAll(() => {
  hole?.kill();
  server.close();
});

/** Time passes for what is tested where the test says so; signals of Node's own end it as ever. */
const stopClock = () => vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });

const dead = { address: "::1", family: 6 };
const alive = { address: "127.0.0.1", family: 4 };

test("a dead IPv6 address costs a quarter of a second, whatever order the addresses come in", async ({
  skip,
}) => {
  skip(missing("python3") !== undefined, missing("python3"));
  hole = spawn("python3", ["-c", BLACK_HOLE, String(port)], { stdio: ["pipe", "pipe", "inherit"] });
  if (hole.stdout === null) throw new Error("no output");
  const [said] = await once(hole.stdout, "data");
  expect(String(said)).toContain("full");
  stopClock();
  let isOpen = false;
  const opening = openTcp("gateway.test", port, [dead, dead, alive], AbortSignal.timeout(20_000));
  opening.then(
    () => {
      isOpen = true;
    },
    () => undefined,
  );
  vi.advanceTimersByTime(ATTEMPT_DELAY_MS - 1);
  // What had been begun before this connection would be open before it.
  const probe = connect(port, "127.0.0.1");
  await once(probe.resume(), "close");
  expect(isOpen).toBe(false);
  // The second dead one is not waited for.
  vi.advanceTimersByTime(1);
  const socket = await opening;
  expect(socket.remoteFamily).toBe("IPv4");
  socket.destroy();
});

test("a refused address costs nothing, and all refused is told as that", async () => {
  const refused = { address: "127.0.0.2", family: 4 };
  stopClock();
  const socket = await openTcp("gateway.test", port, [refused, alive], AbortSignal.timeout(20_000));
  socket.destroy();
  await expect(
    openTcp(
      "gateway.test",
      port,
      [refused, { address: "127.0.0.3", family: 4 }],
      AbortSignal.timeout(20_000),
    ),
  ).rejects.toMatchObject({ stage: "tcp", code: "ECONNREFUSED" });
});
