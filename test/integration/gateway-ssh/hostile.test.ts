// Hostile clients that speak SSH: what they can make the gateway store and compute.

import { readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";

import ssh2 from "ssh2";
import { afterEach, describe, expect, test } from "vitest";
import { ADMISSION_LIMITS } from "../../../gateway/ssh/entrance/admission.ts";
import { privateProtocol, sendMessage } from "../../../protocol/ssh/ssh2/private.ts";
import { message } from "../../../protocol/ssh/wire.ts";
import { parseName } from "../../../protocol/values/name.ts";
import { acceptedShare } from "../../support/accepted-share.ts";
import { type RawConnection, SshStack, type StackOptions } from "../../support/ssh/gateway-ssh.ts";
import { until } from "../../support/until.ts";
import { PATIENT } from "./admission-limits.ts";

let stack: SshStack;
afterEach(() => stack.close());

const WITH_METRICS = { args: ["--metrics", "127.0.0.1:0"], limits: { admission: PATIENT } };

async function started(options: StackOptions = WITH_METRICS) {
  stack = await SshStack.start(options);
  const ada = await stack.account("ada");
  const id = await stack.keyOf(ada, "id");
  return { ada, id };
}

interface Client {
  readonly ssh: ssh2.Client;
  readonly socket: Socket;
  send(payload: Buffer): void;
}

/** A client that has signed in and sends whatever the test wants. */
async function signedIn(username: string, key: string): Promise<Client> {
  const ssh = new ssh2.Client();
  const socket = connect(stack.port, "127.0.0.1");
  await new Promise<void>((resolve, reject) => {
    ssh.once("ready", () => resolve()).once("error", reject);
    ssh.connect({ sock: socket, username, privateKey: readFileSync(key) });
  });
  ssh.on("error", () => {
    // It is about to be cut off.
  });
  return { ssh, socket, send: (payload) => sendMessage(privateProtocol(ssh), [payload], false) };
}

/** Sends one message again and again and reads nothing, until it is cut off or `bytes` have been taken. */
async function flood({ socket, send }: Client, payload: Buffer, bytes: number): Promise<"taken" | "cut off"> {
  socket.pause();
  let isClosed = false;
  socket.once("close", () => {
    isClosed = true;
  });
  for (let sent = 0; sent < bytes; ) {
    if (isClosed || !socket.writable) return "cut off";
    for (let i = 0; i < 16; i++, sent += payload.length) send(payload);
    if (!socket.writableNeedDrain) continue;
    await new Promise<void>((resolve) => {
      const go = () => {
        socket.off("drain", go).off("close", go);
        resolve();
      };
      socket.on("drain", go).on("close", go);
    });
  }
  // A client that does not read does not see the end, so the gateway is asked.
  const isCutOff = await until(async () => (await openConnections()) === 0).catch(() => false);
  socket.destroy();
  return isCutOff ? "cut off" : "taken";
}

async function openConnections(): Promise<number> {
  const metrics = await (await fetch(stack.gateway.metricsUrl ?? "")).text();
  return Number(/^sallyport_ssh_connections (\d+)$/m.exec(metrics)?.[1]);
}

describe("a client that asks and does not read the answers", () => {
  test.each([
    ["pings", message(192, Buffer.alloc(30_000)), 30e6],
    ["channels that are refused", message(90, "direct-tcpip", 1, 1024, 32_768, "x", 23, "", 0), 5e6],
    ["global requests", message(80, "unknown@example", true), 8e6],
  ])("is cut off, and the gateway keeps little of it: %s", async (_, payload, bytes) => {
    const { id } = await started();
    expect(await flood(await signedIn("jump", id), payload, bytes)).toBe("cut off");
  });
});

test("a client can't exchange keys again before it has signed in, since each exchange costs the gateway time", async () => {
  await started();
  const ssh = new ssh2.Client();
  let exchanges = 0;
  ssh.on("handshake", () => exchanges++);
  Reflect.apply(ssh.on, ssh, ["rekey", () => exchanges++]);
  ssh.on("error", () => {
    // Cut off.
  });
  const closed = new Promise<void>((resolve) => ssh.once("close", () => resolve()));
  ssh.connect({
    sock: connect(stack.port, "127.0.0.1"),
    username: "dev",
    authHandler: () => {
      // Instead of a request.
      privateProtocol(ssh).rekey();
    },
  });
  await closed;
  expect(exchanges).toBe(1);
});

test("a client that signed in for a shared workspace and opened nothing is disconnected when the share is removed", async () => {
  const { ada } = await started();
  await stack.host(ada, "dev");
  const bob = await stack.account("bob");
  const key = await stack.keyOf(bob, "bob");
  const owned = await stack.owned(ada, "dev");
  const admin = { account: "ada" };
  await acceptedShare(stack.gateway.store, owned, "bob");
  const { socket } = await signedIn("dev.ada", key);
  await stack.gateway.store.shares.remove(owned, parseName("bob"), admin);
  await until(() => socket.destroyed);
});

test("asking for a workspace that is offline is not an offence after a proof", async () => {
  // So much that hardly any of it fades while this test runs.
  const costMs = { refused: 300_000, late: 0, left: 10, malformed: 0, scanned: 0 };
  const penalties = { ...ADMISSION_LIMITS.penalties, costMs, thresholdMs: 400_000 };
  const { ada, id } = await started({ limits: { admission: { ...ADMISSION_LIMITS, penalties } } });
  await (await stack.host(ada, "away")).stop();
  for (let round = 0; round < 4; round++) {
    expect((await stack.ssh(["-i", id, "away@gw", "true"])).stderr).toContain(
      "The workspace away is offline",
    );
  }
  // Without a proof it takes two.
  for (let round = 0; round < 2; round++) await stack.ssh(["-l", "away#wrong", "gw", "true"]);
  const refused: RawConnection = await stack.connect();
  await refused.closed;
  expect(refused.text).toBe("Not allowed at this time\r\n");
});
