import type { ChildProcess } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { connect, createServer, type Server } from "node:net";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { freePort } from "../../support/loopback.ts";
import { type Host, listen, startHost } from "../../support/ssh/host-ssh.ts";
import { finish } from "../../support/ssh/ssh-client.ts";
import { until } from "../../support/until.ts";
import { accepts, exchange, textOf } from "./forwarding-peers.ts";

let host: Host;
const servers: Server[] = [];
const clients: ChildProcess[] = [];
beforeAll(async () => {
  host = await startHost();
});
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
  for (const client of clients.splice(0)) client.kill("SIGKILL");
});
afterAll(() => host.stop());

/** Answers each connection with all it got, upper-cased, once the other side has ended. */
async function echoAfterEnd(): Promise<number> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    textOf(socket).then(
      (all) => socket.end(all.toUpperCase()),
      () => socket.destroy(),
    );
  });
  servers.push(server);
  return listen(server);
}

/** ssh that only forwards; resolves when it listens. */
async function forward(args: readonly string[], ready: () => Promise<boolean>): Promise<ChildProcess> {
  const child = host.start(["-N", "-o", "ExitOnForwardFailure=yes", ...args, "ws"]);
  clients.push(child);
  await until(ready);
  return child;
}

describe("connections made for the client", () => {
  test("reach the target with -L, each direction ending by itself", async () => {
    const target = await echoAfterEnd();
    const port = await freePort();
    await forward(["-L", `${port}:127.0.0.1:${target}`], () => accepts({ port }));
    const answers = await Promise.all(["one", "two", "three"].map((word) => exchange({ port }, word)));
    expect(answers.map(String)).toEqual(["ONE", "TWO", "THREE"]);
  });

  test("are open in hundreds at once, more than a browser with many tabs has, and each gets its own", async () => {
    const target = await echoAfterEnd();
    const port = await freePort();
    await forward(["-L", `${port}:127.0.0.1:${target}`], () => accepts({ port }));
    const sockets = Array.from({ length: 400 }, () =>
      connect({ port, host: "127.0.0.1", allowHalfOpen: true }),
    );
    const answers = sockets.map(textOf);
    // No connection ends before all are open.
    const before = host.lines.length;
    await until(
      () =>
        host.lines.slice(before - 1).filter((line) => line.includes(`forwarding to 127.0.0.1:${target}`))
          .length >= 400,
    );
    for (const [index, socket] of sockets.entries()) socket.end(`number ${index}`);
    expect(await Promise.all(answers)).toEqual(sockets.map((_, index) => `NUMBER ${index}`));
  });

  test("keep what the client sends after the target has ended its side", async () => {
    let received = "";
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      socket.end("bye");
      socket.on("data", (data: Buffer) => {
        received += data.toString();
      });
    });
    servers.push(server);
    const [target, port] = [await listen(server), await freePort()];
    await forward(["-L", `${port}:127.0.0.1:${target}`], () => accepts({ port }));
    const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    expect(await textOf(socket)).toBe("bye");
    socket.end("still sent");
    await until(() => received === "still sent");
  });

  test("carry a web page through -D", async () => {
    const web = createHttpServer((_request, response) => response.end("a page"));
    servers.push(web);
    const target = await listen(web);
    const port = await freePort();
    await forward(["-D", String(port)], () => accepts({ port }));
    const { execFile } = await import("node:child_process");
    const page = await new Promise<string>((resolve, reject) =>
      execFile(
        "curl",
        ["-sS", "--noproxy", "", "--socks5-hostname", `127.0.0.1:${port}`, `http://localhost:${target}/`],
        (error, stdout) => (error ? reject(error) : resolve(stdout)),
      ),
    );
    expect(page).toBe("a page");
  });

  test("carry stdin and stdout with -W, unchanged", async () => {
    const server = createServer({ allowHalfOpen: true }, (socket) => socket.pipe(socket));
    servers.push(server);
    const data = randomBytes(4 * 1024 * 1024);
    const result = await finish(host.start(["-W", `127.0.0.1:${await listen(server)}`, "ws"]), data);
    const hash = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");
    expect(hash(result.stdout)).toBe(hash(data));
  });

  test("that fail say why", async () => {
    const result = await host.ssh(["-W", `127.0.0.1:${await freePort()}`, "ws"]);
    expect(result.code).not.toBe(0);
    expect(result.stderr).toMatch(/connect failed: connect ECONNREFUSED/);
  });

  test("reach Unix sockets", async () => {
    const path = join(host.directory, "target.sock");
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      textOf(socket).then(
        (all) => socket.end(`<${all}>`),
        () => {},
      );
    });
    servers.push(server);
    await new Promise<void>((done) => server.listen(path, done));
    const port = await freePort();
    await forward(["-L", `${port}:${path}`], () => accepts({ port }));
    expect(String(await exchange({ port }, "x"))).toBe("<x>");
  });

  test("leave the host's memory flat while the client does not read", async () => {
    let written = 0;
    const server = createServer((socket) => {
      socket.on("error", () => {});
      const more = () => {
        do written += 65536;
        while (socket.write(Buffer.alloc(65536)) && written < 500 * 1024 * 1024);
      };
      socket.on("drain", more);
      more();
    });
    servers.push(server);
    const before = process.memoryUsage().rss;
    const child = host.start(["-W", `127.0.0.1:${await listen(server)}`, "ws"]);
    await until(() => written > 1024 * 1024);
    let last = -1;
    await until(async () => {
      const same = last === written;
      last = written;
      await new Promise((resolve) => setTimeout(resolve, 200));
      return same;
    });
    expect(written).toBeLessThan(40 * 1024 * 1024);
    expect(process.memoryUsage().rss - before).toBeLessThan(60 * 1024 * 1024);
    child.kill("SIGKILL");
  });
});

describe("listening for the client", () => {
  test("gives it the connections of -R, also on ::1, and on no outside address", async () => {
    const target = await echoAfterEnd();
    const port = await freePort();
    await forward(["-R", `*:${port}:127.0.0.1:${target}`], () => accepts({ port }));
    expect(String(await exchange({ port }, "word"))).toBe("WORD");
    const listeners = readFileSync("/proc/net/tcp", "latin1")
      .split("\n")
      .filter((line) =>
        line.includes(`:${port.toString(16).toUpperCase().padStart(4, "0")} 00000000:0000 0A`),
      );
    expect(listeners.map((line) => line.trim().split(/\s+/)[1]?.split(":")[0])).toEqual(["0100007F"]);
  });

  test("finds a free port when asked for 0, and names it", async () => {
    const target = await echoAfterEnd();
    const child = host.start(["-N", "-R", `0:127.0.0.1:${target}`, "ws"]);
    clients.push(child);
    let errors = "";
    child.stderr?.on("data", (data: Buffer) => {
      errors += data.toString();
    });
    const [, port] = await until(() => /Allocated port (\d+)/.exec(errors) ?? undefined);
    expect(String(await exchange({ port: Number(port) }, "word"))).toBe("WORD");
  });

  test("refuses a port that is taken", async () => {
    const taken = await echoAfterEnd();
    const result = await host.ssh([
      "-N",
      "-o",
      "ExitOnForwardFailure=yes",
      "-R",
      `${taken}:127.0.0.1:1`,
      "ws",
    ]);
    expect(result.code).toBe(255);
    expect(result.stderr).toMatch(/remote port forwarding failed/);
  });

  test("ends when cancelled and when the connection ends", async () => {
    const target = await echoAfterEnd();
    const control = join(host.directory, "m2");
    const [first, second] = [await freePort(), await freePort()];
    const specification = `${first}:127.0.0.1:${target}`;
    await forward(
      ["-M", "-S", control, "-R", specification, "-R", `${second}:127.0.0.1:${target}`],
      // The control socket appears only after the forwards.
      async () =>
        (await accepts({ port: second })) &&
        (await host.ssh(["-S", control, "-O", "check", "ws"])).code === 0,
    );
    expect(await accepts({ port: first })).toBe(true);
    expect((await host.ssh(["-S", control, "-O", "cancel", "-R", specification, "ws"])).code).toBe(0);
    await until(async () => !(await accepts({ port: first })));
    expect(await accepts({ port: second })).toBe(true);
    await host.ssh(["-S", control, "-O", "exit", "ws"]);
    await until(async () => !(await accepts({ port: second })));
  });

  test("makes a Unix socket that only its user can use, and removes it", async () => {
    const target = await echoAfterEnd();
    const path = join(host.directory, "remote.sock");
    const child = await forward(["-R", `${path}:127.0.0.1:${target}`], async () => existsSync(path));
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(String(await exchange({ path }, "word"))).toBe("WORD");
    child.kill();
    await until(() => !existsSync(path));
  });

  test("replaces a dead socket and nothing else", async () => {
    const target = await echoAfterEnd();
    const file = join(host.directory, "a file");
    writeFileSync(file, "precious");
    chmodSync(file, 0o600);
    const args = (path: string) => [
      "-N",
      "-o",
      "ExitOnForwardFailure=yes",
      "-R",
      `${path}:127.0.0.1:${target}`,
      "ws",
    ];
    const refused = await host.ssh(args(file));
    expect(refused.code).toBe(255);
    expect(readFileSync(file, "utf8")).toBe("precious");

    const dead = join(host.directory, "dead.sock");
    const { execFileSync } = await import("node:child_process");
    execFileSync("python3", ["-c", `import socket; socket.socket(socket.AF_UNIX).bind("${dead}")`]);
    await forward(["-R", `${dead}:127.0.0.1:${target}`], () => accepts({ path: dead }));
    // In use now: a second client may not take it away.
    expect((await host.ssh(args(dead))).code).toBe(255);
    expect(String(await exchange({ path: dead }, "word"))).toBe("WORD");
  });
});

describe("a key without forwarding", () => {
  test("gets no connection and no listener", async () => {
    const restricted = await startHost({ permissions: { portForwarding: false } });
    try {
      const direct = await restricted.ssh(["-W", `127.0.0.1:${await echoAfterEnd()}`, "ws"]);
      expect(direct.stderr).toMatch(/administratively prohibited/);
      const listening = await restricted.ssh([
        "-N",
        "-o",
        "ExitOnForwardFailure=yes",
        "-R",
        `${await freePort()}:127.0.0.1:1`,
        "ws",
      ]);
      expect(listening.code).toBe(255);
      expect((await restricted.ssh(["ws", "echo on"])).stdout.toString()).toBe("on\n");
    } finally {
      await restricted.stop();
    }
  });

  test("or with permitopen goes where it may", async () => {
    const target = await echoAfterEnd();
    const restricted = await startHost({ permissions: { permitOpen: [`127.0.0.1:${target}`] } });
    try {
      const allowed = await restricted.ssh(["-W", `127.0.0.1:${target}`, "ws"], "word");
      expect(allowed.stdout.toString()).toBe("WORD");
      const refused = await restricted.ssh(["-W", `localhost:${target}`, "ws"], "word");
      expect(refused.stderr).toMatch(/administratively prohibited/);
    } finally {
      await restricted.stop();
    }
  });
});
