// Gateways behind real proxies: squid, tinyproxy and microsocks, and what none of them does by one of our own.

import { writeFileSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { connect, createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { gatewayApi } from "../../../agent/client/gateway-api.ts";
import { readWorkspaceEvents } from "../../../agent/client/workspaces/workspace-events.ts";
import { CommandError } from "../../../agent/platform/command-error.ts";
import { networkWithEditor } from "../../../agent/platform/network/configured-network.ts";
import type { Network } from "../../../agent/platform/network/network.ts";
import { NativeLink } from "../../../gateway/link/native-link.ts";
import { type GatewayUrl, parseGatewayUrl } from "../../../protocol/values/gateway-url.ts";
import type { WorkspaceId } from "../../../protocol/values/id.ts";
import { type AccessToken, parseAccessToken } from "../../../protocol/values/token.ts";
import { echo, TestStack } from "../../support/link.ts";
import { freePort } from "../../support/loopback.ts";
import { Authority, type Certificate } from "./certificates.ts";
import { missing, Programs } from "./programs.ts";

/** With what would break an URL if it were not encoded. */
const ADA = { user: "ada", password: "p@ss:w/rd %" };
const ADA_IN_URL = `${ADA.user}:${encodeURIComponent(ADA.password)}`;
/** Proxies that take their credentials by argument or by a line of configuration. */
const BOB = { user: "bob", password: "secret-of-bob" };

let programs: Programs;
let stack: TestStack;
let authority: Authority;
let certificate: Certificate;
/** By a name that only the proxies know. */
let gateway: GatewayUrl;
let token: AccessToken;
/** Each has a key of its own, which a workspace takes from its first host alone. */
let hosts = 0;
const servers: Server[] = [];
const sockets = new Set<Socket>();

beforeAll(async () => {
  programs = new Programs();
  authority = new Authority(programs.directory, "Test Authority");
  certificate = authority.sign(["gateway.test", "localhost", "127.0.0.1"]);
  stack = await TestStack.start(["--tls-cert", certificate.cert, "--tls-key", certificate.key]);
  gateway = parseGatewayUrl(`https://gateway.test:${new URL(stack.url).port}`);
  const account = await stack.account("ada");
  token = parseAccessToken((await stack.token(account, ["account", "connect", "host"])).token);
});

afterAll(async () => {
  await stack?.close();
  for (const socket of sockets) socket.destroy();
  for (const server of servers) server.close();
  await programs?.close();
});

function network(env: Record<string, string>): Network {
  return networkWithEditor({ SALLYPORT_CA: authority.file, ...env }, undefined);
}

/** The API, its event stream, a host with its streams in advance and on demand, and a tunnel to it: all of what is dialled. */
async function everythingWorks(way: { gateway: GatewayUrl; network: Network }): Promise<void> {
  const abort = new AbortController();
  const api = gatewayApi(way.gateway, { token, network: way.network, signal: abort.signal });
  expect((await api.me()).account.name).toBe("ada");
  const name = `dev-${++hosts}`;
  const host = await stack.host({ token, name, way });
  try {
    await expect.poll(() => isWarm(host.id)).toBe(true);
    const socket = await stack.tunnel(name, token, way);
    const text = "x".repeat(300_000);
    expect(await echo(socket, text)).toBe(text);
    socket.terminate();
    for await (const event of readWorkspaceEvents(await api.events(), abort.signal)) {
      expect(event.type).toBeDefined();
      break;
    }
  } finally {
    abort.abort();
    await host.stop();
  }
}

function isWarm(id: WorkspaceId): boolean {
  const link = stack.gateway.registry.get(id);
  return link instanceof NativeLink && link.isWarm;
}

/** The failure of a tunnel, which must not tell the password. */
async function failure(env: Record<string, string>, to = gateway): Promise<CommandError> {
  const error: unknown = await stack.tunnel("dev", token, { gateway: to, network: network(env) }).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof CommandError)) throw new Error(`no CommandError: ${String(error)}`);
  expect(JSON.stringify([error.message, error.stack, String(error.cause)])).not.toMatch(
    /p%40ss|p@ss|secret-of-bob/,
  );
  return error;
}

async function listen(serve: (socket: Socket) => void): Promise<number> {
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.on("close", () => sockets.delete(socket));
    serve(socket);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

describe("through squid", () => {
  test("everything goes by CONNECT, with HTTPS_PROXY, and the proxy looks the name up", async ({ skip }) => {
    skip(missing("squid") !== undefined, missing("squid"));
    const squid = await programs.squid();
    await everythingWorks({ gateway, network: network({ HTTPS_PROXY: `http://127.0.0.1:${squid.port}` }) });
    await expect
      .poll(() => squid.log().split(`CONNECT gateway.test:${new URL(gateway).port}`).length)
      .toBeGreaterThan(4);
  });

  test("with a password, which has to be the right one", async ({ skip }) => {
    skip(missing("squid") !== undefined, missing("squid"));
    const { port } = await programs.squid({ auth: ADA });
    const at = `@127.0.0.1:${port}`;
    await everythingWorks({ gateway, network: network({ https_proxy: `http://${ADA_IN_URL}${at}` }) });
    const file = join(programs.directory, "proxy-address");
    writeFileSync(file, `http://${ADA_IN_URL}${at}\n`);
    await everythingWorks({ gateway, network: network({ SALLYPORT_PROXY_FILE: file }) });
    expect(await failure({ HTTPS_PROXY: `http://ada:p%40ss${at}` })).toMatchObject({
      stage: "proxy",
      code: "proxy_auth_refused",
    });
    const none = await failure({ HTTPS_PROXY: `http://127.0.0.1:${port}` });
    expect(none).toMatchObject({ stage: "proxy", code: "proxy_auth_required" });
    expect(none.message).toContain("SALLYPORT_PROXY");
  });

  test("that is spoken to by TLS itself", async ({ skip }) => {
    skip(missing("squid") !== undefined, missing("squid"));
    const { port } = await programs.squid({ tls: certificate, auth: ADA });
    const proxy = `https://${ADA_IN_URL}@localhost:${port}`;
    await everythingWorks({ gateway, network: network({ ALL_PROXY: proxy }) });
    const stranger = networkWithEditor({ ALL_PROXY: proxy, SSL_CERT_FILE: "/dev/null" }, undefined);
    const refused = stack.tunnel("dev", token, { gateway, network: stranger });
    await expect(refused).rejects.toMatchObject({ stage: "proxy", code: "UNABLE_TO_VERIFY_LEAF_SIGNATURE" });
  });

  test("a gateway that the proxy cannot reach is told as that", async ({ skip }) => {
    skip(missing("squid") !== undefined, missing("squid"));
    const { port } = await programs.squid();
    const nobody = parseGatewayUrl(`https://gateway.test:${await freePort()}`);
    const error = await failure({ HTTPS_PROXY: `http://127.0.0.1:${port}` }, nobody);
    expect(error).toMatchObject({ stage: "proxy", code: "HTTP_503" });
    expect(error.message).toContain(`cannot reach gateway.test port ${nobody.split(":")[2]}`);
  });
});

describe("through tinyproxy", () => {
  test("with and without a password", async ({ skip }) => {
    skip(missing("tinyproxy") !== undefined, missing("tinyproxy"));
    const open = await programs.tinyproxy();
    await everythingWorks({
      gateway: stack.url,
      network: network({ SALLYPORT_PROXY: `127.0.0.1:${open.port}` }),
    });
    expect(open.log()).toContain(`CONNECT ${new URL(stack.url).host}`);
    const { port } = await programs.tinyproxy(BOB);
    const right = network({ SALLYPORT_PROXY: `http://bob:secret-of-bob@127.0.0.1:${port}` });
    await everythingWorks({ gateway: stack.url, network: right });
    const wrong = await failure(
      { SALLYPORT_PROXY: `http://bob:secret-of-bobo@127.0.0.1:${port}` },
      stack.url,
    );
    expect(wrong.stage).toBe("proxy");
    expect(["proxy_auth_refused", "HTTP_401"]).toContain(wrong.code);
  });
});

describe("through SOCKS", () => {
  test("microsocks, with and without a password", async ({ skip }) => {
    skip(missing("microsocks") !== undefined, missing("microsocks"));
    const open = await programs.microsocks();
    await everythingWorks({
      gateway: stack.url,
      network: network({ SALLYPORT_PROXY: `socks5://127.0.0.1:${open.port}` }),
    });
    const { port } = await programs.microsocks(BOB);
    const right = network({ SALLYPORT_PROXY: `socks5h://bob:secret-of-bob@127.0.0.1:${port}` });
    await everythingWorks({ gateway: stack.url, network: right });
    expect(await failure({ SALLYPORT_PROXY: `socks5://bob:no@127.0.0.1:${port}` }, stack.url)).toMatchObject({
      stage: "proxy",
      code: "proxy_auth_refused",
    });
    expect(await failure({ SALLYPORT_PROXY: `socks5://127.0.0.1:${port}` }, stack.url)).toMatchObject({
      code: "proxy_auth_required",
    });
    const dead = parseGatewayUrl(`https://127.0.0.1:${await freePort()}`);
    expect(await failure({ SALLYPORT_PROXY: `socks5://127.0.0.1:${open.port}` }, dead)).toMatchObject({
      stage: "proxy",
      code: "proxy_refused",
    });
  });

  test("SOCKS4a, which carries the name and a user", async () => {
    const asked: string[] = [];
    const port = await listen((socket) => socks4(socket, asked));
    await everythingWorks({ gateway, network: network({ ALL_PROXY: `socks4://ada@127.0.0.1:${port}` }) });
    expect(new Set(asked)).toEqual(new Set([`ada gateway.test:${new URL(gateway).port}`]));
  });
});

describe("by a proxy script", () => {
  test("a file or a URL chooses, and the next of its proxies is tried where one is dead", async ({
    skip,
  }) => {
    skip(missing("squid") !== undefined, missing("squid"));
    const squid = await programs.squid();
    const dead = await listen((socket) => socket.destroy());
    const script = `function FindProxyForURL(url, host) {
      if (url !== "https://gateway.test:${new URL(gateway).port}/") return "DIRECT";
      return isInNet("127.0.0.1", "127.0.0.0", "255.0.0.0") && shExpMatch(host, "*.test")
        ? "PROXY 127.0.0.1:${dead}; PROXY 127.0.0.1:${squid.port}" : "DIRECT";
    }`;
    const file = join(programs.directory, "proxy.pac");
    writeFileSync(file, script);
    await everythingWorks({ gateway, network: network({ SALLYPORT_PROXY_PAC: file }) });
    const web = createHttpServer((request, response) =>
      response.end(request.url === "/wpad.dat" ? script : ""),
    );
    servers.push(web);
    await new Promise<void>((resolve) => web.listen(0, "127.0.0.1", resolve));
    const address = web.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    const pac = `http://127.0.0.1:${port}/wpad.dat`;
    await everythingWorks({ gateway, network: network({ SALLYPORT_PROXY_PAC: pac }) });
  });

  test("one that cannot be read, or does not work, is told", async () => {
    const missingFile = await failure({ SALLYPORT_PROXY_PAC: join(programs.directory, "none.pac") });
    expect(missingFile).toMatchObject({ stage: "proxy", code: "pac_unreadable" });
    expect(missingFile.message).toContain("ENOENT");
    const file = join(programs.directory, "broken.pac");
    writeFileSync(file, "function FindProxyForURL() { return nothing; }");
    expect(await failure({ SALLYPORT_PROXY_PAC: file })).toMatchObject({ code: "pac_failed" });
  });
});

describe("what stands in the way is named:", () => {
  test("nothing listens at the proxy's address", async () => {
    const port = await freePort();
    const error = await failure({ HTTPS_PROXY: `http://${ADA_IN_URL}@127.0.0.1:${port}` });
    expect(error).toMatchObject({ stage: "proxy", code: "ECONNREFUSED" });
    expect(error.message).toContain(
      `The proxy http://127.0.0.1:${port} (from HTTPS_PROXY) cannot be reached`,
    );
  });

  test.each([
    ["HTTP/1.1 511 Network Authentication Required\r\n\r\n", "captive_portal", "open http://gateway.test/"],
    [
      "HTTP/1.1 302 Found\r\nLocation: http://portal.example/login?a=1\r\n\r\n",
      "captive_portal",
      "http://portal.example/login?a=1",
    ],
    ["HTTP/1.1 403 Forbidden\r\n\r\n", "HTTP_403", "does not allow connections to gateway.test"],
    [
      "HTTP/1.1 407 No\r\nProxy-Authenticate: Negotiate\r\nProxy-Authenticate: NTLM\r\n\r\n",
      "proxy_auth_unsupported",
      "Negotiate or NTLM",
    ],
    ["SSH-2.0-OpenSSH_9.2\r\n\r\n", "not_a_proxy", "is not an HTTP proxy"],
    [`HTTP/1.1 200 OK\r\nX: ${"x".repeat(20_000)}`, "not_a_proxy", "is not an HTTP proxy"],
    ["", "ECONNRESET", "the connection was cut"],
  ])("the proxy answers %.40j", async (answer, code, words) => {
    const port = await listen((socket) => {
      socket.once("data", () => socket.end(answer));
    });
    const error = await failure({ HTTPS_PROXY: `http://127.0.0.1:${port}` });
    expect(error.code).toBe(code);
    expect(error.message).toContain(words);
  });

  test("a network whose sign-in page answers in a plain-http gateway's place", async () => {
    const page = await listen((socket) => {
      socket.once("data", () =>
        socket.end("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html>Welcome aboard"),
      );
    });
    const portal = await listen((socket) => socket.once("data", () => tunnelTo(socket, page)));
    const plain = parseGatewayUrl("http://gateway.test");
    const env = { HTTP_PROXY: `http://127.0.0.1:${portal}` };
    expect(await failure(env, plain)).toMatchObject({ code: "captive_portal" });
    const asked = gatewayApi(plain, { network: network(env) }).discovery();
    await expect(asked).rejects.toMatchObject({
      code: "captive_portal",
      message:
        "This network wants you to sign in first: open http://gateway.test/ in a browser, then try again.",
    });
  });
});

/** Answers CONNECT, and connects to another port than was asked for. */
function tunnelTo(socket: Socket, port: number): void {
  const upstream = connect(port, "127.0.0.1");
  sockets.add(upstream);
  upstream.on("error", () => socket.destroy());
  socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
  socket.pipe(upstream).pipe(socket);
}

/** SOCKS4a as OpenSSH and Dante speak it: version, command, port, 0.0.0.x, user, name. */
function socks4(socket: Socket, asked: string[]): void {
  socket.once("data", (request: Buffer) => {
    const port = request.readUInt16BE(2);
    const [user = "", name = ""] = request.subarray(8).toString().split("\0");
    asked.push(`${user} ${name}:${port}`);
    const upstream = connect(port, "127.0.0.1");
    sockets.add(upstream);
    upstream.on("error", () => socket.destroy());
    socket.write(Buffer.from([0, 0x5a, 0, 0, 0, 0, 0, 0]));
    socket.pipe(upstream).pipe(socket);
  });
}
