// Limits on strangers and idle clients at the SSH port.

import { connect, createServer } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { ADMISSION_LIMITS } from "../../../gateway/ssh/entrance/admission.ts";
import { AUTHENTICATION_LIMITS } from "../../../gateway/ssh/sign-in/authentication.ts";
import { SSH_PORT_LIMITS } from "../../../gateway/ssh/ssh-port.ts";
import { SshStack, type StackOptions } from "../../support/ssh/gateway-ssh.ts";
import { until } from "../../support/until.ts";
import { PATIENT } from "./admission-limits.ts";

let stack: SshStack;
afterEach(() => stack.close());

async function started(options: StackOptions = {}) {
  stack = await SshStack.start(options);
  const ada = await stack.account("ada");
  const id = await stack.keyOf(ada, "id");
  stack.configure(["Host *", `  IdentityFile ${id}`]);
  return { ada, id };
}

const openWith = async (text: string, localAddress?: string) => {
  const connection = await stack.connect(localAddress);
  await until(() => connection.text.includes(text) || connection.isClosed);
  return connection;
};

/** No connection stalls for long enough to be evicted. */
const PATIENT_WITH_SILENCE = { admission: { ...ADMISSION_LIMITS, stalledMs: 600_000 } };

describe("connections that are not signed in", () => {
  test("make room for the next one of their address once they stall", async () => {
    // They count as stalled from the start, so that the test need not wait.
    const { ada, id } = await started({ limits: { admission: { ...ADMISSION_LIMITS, stalledMs: 0 } } });
    await stack.host(ada, "dev");
    const silent = await Promise.all(Array.from({ length: 10 }, () => openWith("SSH-2.0-")));
    for (let round = 0; round < 3; round++) {
      expect(await stack.ssh(["-i", id, "dev@gw", "echo in"])).toMatchObject({ stdout: "in\n", code: 0 });
    }
    expect(silent.some(({ isClosed }) => isClosed)).toBe(true);
  });

  test("are at most ten per address, and one more once one has left", async () => {
    await started({ limits: PATIENT_WITH_SILENCE });
    const waiting = await Promise.all(Array.from({ length: 10 }, () => openWith("SSH-2.0-")));
    expect(waiting.map(({ isClosed }) => isClosed)).toEqual(Array(10).fill(false));
    const refused = await openWith("Too many");
    await refused.closed;
    expect(refused.text).toBe("Too many connections wait\r\n");
    // Another address has its own ten.
    expect((await openWith("SSH-2.0-", "127.0.0.2")).isClosed).toBe(false);
    waiting[0]?.socket.destroy();
    await until(async () => (await openWith("SSH-2.0-")).text.startsWith("SSH-2.0-"));
  });

  test("end when their version line or their sign-in is late, whatever they send before", async () => {
    await started({
      limits: { port: { ...SSH_PORT_LIMITS, versionMs: 1_000, loginMs: 5_000 }, admission: PATIENT },
    });
    const slow = await stack.connect();
    slow.socket.write("SSH-2.0-slow\r\n");
    const silent = await stack.connect();
    const order: string[] = [];
    await Promise.all([
      silent.closed.then(() => order.push("no version line")),
      slow.closed.then(() => order.push("no sign-in")),
    ]);
    expect(order).toEqual(["no version line", "no sign-in"]);
    // Only a client that has sent its version line is told.
    expect(slow.text).toContain("Sign-in took too long.");
    expect(silent.text).toMatch(/^SSH-2\.0-OpenSSH_\S+ Sallyport\r\n$/);
  });

  test.each([
    ["that are not a version line", "GET / HTTP/1.1\r\nHost: gateway\r\n\r\n"],
    ["that never end their version line", `SSH-2.0-${"x".repeat(9_000)}`],
    ["whose version line is too long", `SSH-2.0-${"x".repeat(300)}\r\n`],
  ])("with bytes %s are closed", async (_, bytes) => {
    await started();
    const connection = await openWith("SSH-2.0-");
    connection.socket.write(bytes);
    await connection.closed;
  });

  test("are closed by the gateway even if the client does not close its side", async () => {
    await started({ args: ["--metrics", "127.0.0.1:0"], limits: { admission: PATIENT } });
    const open = async () => {
      const metrics = await (await fetch(stack.gateway.metricsUrl ?? "")).text();
      return Number(/^sallyport_ssh_connections (\d+)$/m.exec(metrics)?.[1]);
    };
    const socket = connect({ host: "127.0.0.1", port: stack.port, allowHalfOpen: true });
    socket.on("error", () => {
      // The gateway cuts it off.
    });
    await until(async () => (await open()) === 1);
    // A packet of 2^31 bytes.
    socket.write("SSH-2.0-half\r\n\x7f\xff\xff\xff\0\0\0\0");
    await until(async () => (await open()) === 0);
    socket.destroy();
  });

  test("have six attempts", async () => {
    await started({ limits: { admission: PATIENT } });
    stack.configure();
    const result = await stack.ssh(["-o", "NumberOfPasswordPrompts=20", "dev@gw", "true"], {
      answers: Array(20).fill("wrong"),
    });
    expect(result.stderr).toContain("Too many authentication failures");
    expect(await stack.audit("ssh.sign-in.refused")).toHaveLength(6);
  });

  test("may ask about twenty keys", async () => {
    await started({ limits: { admission: PATIENT } });
    const keys = Array.from({ length: 21 }, (_, index) => stack.key(`key-${index}`));
    stack.configure();
    const offer = (count: number) =>
      stack.ssh([...keys.slice(0, count).flatMap((key) => ["-i", key]), "dev@gw", "true"]);
    expect((await offer(20)).stderr).toContain("Permission denied (publickey");
    expect((await offer(21)).stderr).toContain("Too many authentication failures");
  });
});

test("an address that keeps failing is refused before the version line, others are not, and the penalty fades", async () => {
  // The penalty fades within minutes, so the test moves the clock forward.
  let ahead = 0;
  const { ada, id } = await started({
    args: ["--metrics", "127.0.0.1:0"],
    limits: {
      now: () => Date.now() + ahead,
      authentication: { ...AUTHENTICATION_LIMITS, refusalFloorMs: 10 },
      admission: {
        ...ADMISSION_LIMITS,
        penalties: {
          costMs: { refused: 300_000, late: 0, left: 0, malformed: 0, scanned: 0 },
          thresholdMs: 600_000,
          maxMs: 1_200_000,
          addresses: 10,
        },
      },
    },
  });
  await stack.host(ada, "dev");
  stack.configure();
  const fail = () => stack.ssh(["-l", "dev#wrong", "gw", "true"]);
  while ((await fail()).stderr.includes("Permission denied")) {
    // Each try adds to the penalty.
  }
  const refused = await openWith("Not allowed");
  expect(refused.text).toBe("Not allowed at this time\r\n");
  expect((await openWith("SSH-2.0-", "127.0.0.3")).text).toMatch(/^SSH-2\.0-/);
  const metrics = await (await fetch(stack.gateway.metricsUrl ?? "")).text();
  expect(metrics).toMatch(/sallyport_ssh_refused_connections_total\{reason="penalty"\} [1-9]/);
  expect(metrics).toContain("sallyport_ssh_penalized_addresses 1");
  ahead = 1_200_000;
  expect(await stack.ssh(["-i", id, "dev@gw", "echo in"])).toMatchObject({ stdout: "in\n", code: 0 });
});

describe("a session", () => {
  test("ends when no data has moved for the idle time", async () => {
    const { ada } = await started({ args: ["--ssh-idle-timeout", "5"] });
    await stack.host(ada, "dev");
    const busy = await stack.ssh(["dev@gw", "for i in 1 2 3 4 5 6 7 8; do echo $i; sleep 1; done"]);
    expect(busy).toMatchObject({ stdout: "1\n2\n3\n4\n5\n6\n7\n8\n", code: 0 });
    const idle = await stack.ssh(["dev@gw", "sleep 300"]);
    expect(idle.code).toBe(255);
    expect(idle.stderr).toContain("Idle for too long.");
  });

  test("ends at its longest time, however busy", async () => {
    const { ada } = await started({ args: ["--ssh-max-session", "1"] });
    await stack.host(ada, "dev");
    const result = await stack.ssh(["dev@gw", "while :; do echo busy; sleep 0.1; done"]);
    expect(result.code).toBe(255);
    expect(result.stderr).toContain("The longest time for one connection is over.");
  });
});

describe("the PROXY protocol", () => {
  const v2 = (address: readonly number[]) => {
    const body = Buffer.from([...address, 127, 0, 0, 1, 0x30, 0x39, 0, 22]);
    const length = Buffer.from([0, body.length]);
    const signature = Buffer.from("\r\n\r\n\0\r\nQUIT\n", "latin1");
    return Buffer.concat([signature, Buffer.from([0x21, 0x11]), length, body]);
  };

  /** A load balancer: puts `header` in front of each connection. */
  async function proxy(header: Buffer) {
    const server = createServer((client) => {
      const upstream = connect(stack.port, "127.0.0.1");
      upstream.write(header);
      client.pipe(upstream).pipe(client);
      for (const socket of [client, upstream]) socket.on("error", () => socket.destroy());
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    return { port: typeof address === "object" ? (address?.port ?? 0) : 0, close: () => server.close() };
  }

  test.each([
    ["version 1", Buffer.from("PROXY TCP4 192.0.2.9 127.0.0.1 12345 22\r\n"), "192.0.2.9"],
    ["version 2", v2([198, 51, 100, 7]), "198.51.100.7"],
  ])("%s of a trusted proxy names the client", async (_, header, address) => {
    const { ada } = await started({ args: ["--trusted-proxies", "loopback"] });
    await stack.host(ada, "dev");
    const { port, close } = await proxy(header);
    try {
      const pinned = ["-o", `HostKeyAlias=[127.0.0.1]:${stack.port}`];
      const result = await stack.ssh([
        ...pinned,
        "-p",
        String(port),
        "dev@127.0.0.1",
        "echo $SSH_CONNECTION",
      ]);
      expect(result.code).toBe(0);
      expect(result.stdout.split(" ")[0]).toBe(address);
      expect((await stack.audit("ssh.sign-in"))[0]?.address).toBe(address);
    } finally {
      close();
    }
  });

  test("is required of a trusted proxy, in time", async () => {
    await started({
      args: ["--trusted-proxies", "127.0.0.1"],
      limits: { port: { ...SSH_PORT_LIMITS, proxyHeaderMs: 300 } },
    });
    const without = await stack.connect();
    without.socket.write("SSH-2.0-client\r\n");
    const silent = await stack.connect();
    await Promise.all([without.closed, silent.closed]);
    expect(without.text + silent.text).toBe("");
  });

  test("from any other address is refused", async () => {
    await started();
    const connection = await openWith("SSH-2.0-");
    connection.socket.write("PROXY TCP4 192.0.2.9 127.0.0.1 12345 22\r\nSSH-2.0-client\r\n");
    await connection.closed;
  });

  test("gives each client behind the proxy its own ten pending connections", async () => {
    await started({ args: ["--trusted-proxies", "loopback"], limits: PATIENT_WITH_SILENCE });
    const from = async (last: number) => {
      const connection = await stack.connect();
      connection.socket.write(`PROXY TCP4 192.0.2.${last} 127.0.0.1 12345 22\r\n`);
      await until(() => connection.text !== "");
      return connection.text;
    };
    const first = await Promise.all(Array.from({ length: 11 }, () => from(1)));
    expect(first.filter((text) => text.startsWith("SSH-2.0-"))).toHaveLength(10);
    expect(await from(2)).toMatch(/^SSH-2\.0-/);
  });
});
