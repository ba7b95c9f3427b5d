// What ssh carries beside the session, over a relayed connection (`ssh workspace@gateway`).

import { connect, createServer, type Server } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { freePort } from "../../support/loopback.ts";
import { SshStack } from "../../support/ssh/gateway-ssh.ts";
import { startAgent } from "../../support/ssh/ssh-agent.ts";
import { until } from "../../support/until.ts";
import { PATIENT } from "./admission-limits.ts";

let stack: SshStack;
let echo: Server;
let target: number;

beforeAll(async () => {
  stack = await SshStack.start({ limits: { admission: PATIENT } });
  const ada = await stack.account("ada");
  const id = await stack.keyOf(ada, "id");
  await stack.host(ada, "dev");
  stack.configure(["Host *", `  IdentityFile ${id}`]);
  echo = createServer((socket) => socket.pipe(socket));
  await new Promise<void>((resolve) => echo.listen(0, "127.0.0.1", resolve));
  const address = echo.address();
  target = typeof address === "object" ? (address?.port ?? 0) : 0;
});
afterAll(async () => {
  echo.close();
  await stack.close();
});

/** Runs ssh with a forward for as long as `use` takes. */
async function forwarding(args: readonly string[], use: () => Promise<void>) {
  const child = stack.start(["-o", "ExitOnForwardFailure=yes", ...args, "dev@gw", "echo up; exec cat"]);
  let said = "";
  child.stdout?.on("data", (data: Buffer) => {
    said += data.toString();
  });
  try {
    await until(() => said.includes("up"));
    await use();
  } finally {
    child.kill();
  }
}

/** Sends the text, and returns the first `length` bytes of the answer. */
function say(to: number | string, text: string | Buffer, length = text.length): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = typeof to === "number" ? connect(to, "127.0.0.1") : connect(to);
    let answer = "";
    socket.setEncoding("latin1");
    socket.on("data", (data) => {
      answer += String(data);
      if (answer.length < length) return;
      socket.destroy();
      resolve(answer);
    });
    socket.on("error", reject);
    socket.on("close", () => reject(new Error(`ended after: ${answer}`)));
    socket.write(text);
  });
}

test("the person's agent answers in the workspace", async () => {
  const socket = stack.path("agent");
  const agent = await startAgent(socket, stack.key("carried"));
  try {
    const { stdout } = await stack.ssh(["-A", "-o", `IdentityAgent=${socket}`, "dev@gw", "ssh-add -l"]);
    expect(stdout).toContain("carried (ED25519)");
  } finally {
    agent.kill();
  }
});

test("-D reaches what the workspace reaches", async () => {
  const port = await freePort();
  await forwarding(["-D", `127.0.0.1:${port}`], async () => {
    // SOCKS 5 (RFC 1928): no authentication; CONNECT to 127.0.0.1.
    const connectTo = Buffer.from([5, 1, 0, 5, 1, 0, 1, 127, 0, 0, 1, target >> 8, target & 0xff]);
    const answer = await say(port, Buffer.concat([connectTo, Buffer.from("through")]), 2 + 10 + 7);
    expect(answer.slice(-7)).toBe("through");
  });
});

test("-L reaches a socket file of the workspace, and -R makes one", async () => {
  const there = stack.path("there.sock");
  const server = createServer((socket) => socket.pipe(socket));
  await new Promise<void>((resolve) => server.listen(there, resolve));
  const local = stack.path("local.sock");
  const remote = stack.path("remote.sock");
  try {
    await forwarding(["-L", `${local}:${there}`, "-R", `${remote}:127.0.0.1:${target}`], async () => {
      expect(await say(local, "to the workspace")).toBe("to the workspace");
      expect(await say(remote, "from the workspace")).toBe("from the workspace");
    });
  } finally {
    server.close();
  }
});
