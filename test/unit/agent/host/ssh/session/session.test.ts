import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { PipeStock } from "../../../../../../agent/host/ssh/prelude/anonymous-pipes.ts";
import { PtyUnavailable } from "../../../../../../agent/host/ssh/session/node-pty-private.ts";
import { type SessionContext, serveSession } from "../../../../../../agent/host/ssh/session/session.ts";
import { ALL_PERMISSIONS } from "../../../../../../agent/host/ssh/sign-in/key-grant.ts";
import { Channel } from "../../../../../../protocol/ssh/channel.ts";
import { MSG } from "../../../../../../protocol/ssh/message-numbers.ts";
import { encode, WireReader } from "../../../../../../protocol/ssh/wire.ts";

const machine = vi.hoisted(() => ({ lacksTerminals: false }));
vi.mock(import("../../../../../../agent/host/ssh/session/pty-process.ts"), async (original) => {
  const { checkPty, ...rest } = await original();
  return {
    ...rest,
    checkPty(shell) {
      if (machine.lacksTerminals) throw new PtyUnavailable("There is no PTY: install it.");
      checkPty(shell);
    },
  };
});

let home: string;
let pipes: PipeStock;
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), "session-"));
  pipes = new PipeStock();
});
afterAll(() => {
  pipes.close();
  rmSync(home, { recursive: true });
});

/** A session as the connection hands it over; what it sends back is kept. */
function open(changed: Partial<SessionContext> = {}) {
  const sent: Buffer[] = [];
  const channel = new Channel(
    {
      writable: true,
      send: (...parts) => void sent.push(Buffer.concat(parts)),
      waitForRoom: () => {},
    },
    { local: 1, remote: 2, window: 1 << 20, maxPacket: 1 << 15 },
  );
  const quiet = () => {};
  serveSession(channel, {
    user: { name: "someone", home, shell: "/bin/sh" },
    signedInAs: "devbox",
    cwd: undefined,
    openFiles: undefined,
    hostEnvironment: { PATH: process.env.PATH },
    client: { address: "192.0.2.1", port: 1 },
    server: { address: "127.0.0.1", port: 22 },
    permissions: ALL_PERMISSIONS,
    log: { debug: quiet, info: quiet, warn: quiet, error: quiet },
    pipes,
    forwardAgent: () => undefined,
    agentSocket: () => undefined,
    serveSftp: quiet,
    ...changed,
  });
  const request = (type: string, ...data: (string | number | Buffer)[]) =>
    channel.receiveRequest(type, false, new WireReader(encode(...data)));
  const closed = new Promise<void>((resolve) => channel.once("close", resolve));
  const messages = (number: number) => sent.filter((message) => message[0] === number);
  return {
    channel,
    request,
    closed,
    /** Without the channel's number and the length. */
    get output() {
      return Buffer.concat(messages(MSG.channelData).map((message) => message.subarray(9))).toString();
    },
    get errors() {
      return Buffer.concat(
        messages(MSG.channelExtendedData).map((message) => message.subarray(13)),
      ).toString();
    },
    /** Type and what follows it, as text. */
    get requests() {
      return messages(MSG.channelRequest).map((message) => message.subarray(9).toString("latin1"));
    },
  };
}

const terminal = ["xterm", 80, 24, 0, 0, Buffer.alloc(0)] as const;

describe.each([
  ["without a terminal", []],
  ["on a terminal", terminal],
])("a request right after `exec`, %s,", (_, pty) => {
  // Not INT: a shell that has just begun may catch it and forget it as it becomes the command, under sshd too.
  test.each(["TERM", "HUP", "USR1", "KILL"])("is delivered: a signal %s", async (name) => {
    const { request, closed, requests } = started(pty, "sleep 300");
    request("signal", name);
    await closed;
    expect(requests().join()).toMatch(new RegExp(`exit-signal.*${name}`, "s"));
  });

  test("is delivered: the output is no longer read", async () => {
    const { request, closed } = started(pty, "exec yes");
    request("eow@openssh.com");
    await closed;
  });
});

describe("the end of input right after `exec`", () => {
  test("reaches the process, after the input", async () => {
    const session = started([], "cat; echo end");
    session.channel.receiveData(Buffer.from("input\n"));
    session.channel.receiveEof();
    await session.closed;
    expect(session.output()).toBe("input\nend\n");
  });
});

test("a client that gets no terminal is told why, and its command runs without", async () => {
  const session = open();
  machine.lacksTerminals = true;
  session.request("pty-req", ...terminal);
  machine.lacksTerminals = false;
  session.request("exec", "tty");
  await session.closed;
  expect(session.output).toBe("not a tty\n");
  expect(session.errors).toBe("sallyport: There is no PTY: install it.\n");
});

test("a session that cannot be prepared ends alone", async () => {
  const session = open({
    agentSocket() {
      throw new Error("a fault of the host's own");
    },
  });
  session.request("exec", "true");
  await session.closed;
});

test("a signal to a session without a process is refused", () => {
  const { channel } = open();
  expect(channel.onRequest?.("signal", new WireReader(encode("TERM")))).toBe(false);
});

function started(pty: readonly (string | number | Buffer)[], command: string) {
  const session = open();
  if (pty.length > 0) session.request("pty-req", ...pty);
  session.request("exec", command);
  return {
    channel: session.channel,
    request: session.request,
    closed: session.closed,
    output: () => session.output,
    requests: () => session.requests,
  };
}
