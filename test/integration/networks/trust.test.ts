// Whose certificates are taken, and what is said of those that are not: behind a real nginx with certificates of test authorities.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createServer as createTlsServer, type Server } from "node:tls";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { gatewayApi } from "../../../agent/client/gateway-api.ts";
import { networkWithEditor } from "../../../agent/platform/network/configured-network.ts";
import { readPacSource } from "../../../agent/platform/network/pac/pac-source.ts";
import { type GatewayUrl, parseGatewayUrl } from "../../../protocol/values/gateway-url.ts";
import { TestStack } from "../../support/link.ts";
import { Authority, type Certificate } from "./certificates.ts";
import { missing, Programs } from "./programs.ts";

let programs: Programs;
let stack: TestStack;
let authority: Authority;
const servers: Server[] = [];

beforeAll(async () => {
  programs = new Programs();
  stack = await TestStack.start();
  authority = new Authority(programs.directory, "Corp Inspection CA");
});

afterAll(async () => {
  await stack?.close();
  for (const server of servers) server.close();
  await programs?.close();
});

function behind(certificate: Certificate, clientCa?: string) {
  const port = Number(new URL(stack.url).port);
  return programs.nginx(port, certificate, clientCa === undefined ? {} : { clientCa });
}

async function discover(port: number, env: Record<string, string>): Promise<unknown> {
  const gateway = parseGatewayUrl(`https://localhost:${port}`);
  // Not the machine's own authorities, whatever they are.
  const network = networkWithEditor({ SSL_CERT_FILE: "/dev/null", ...env }, undefined);
  return await gatewayApi(gateway, { network }).discovery();
}

describe("an authority that nobody knows", () => {
  test.for([
    ["with its own certificate", true, "SELF_SIGNED_CERT_IN_CHAIN"],
    ["without it", false, "UNABLE_TO_VERIFY_LEAF_SIGNATURE"],
  ] as const)("is named, and what to do, where the chain comes %s", async ([, whole, code], { skip }) => {
    skip(missing("nginx") !== undefined, missing("nginx"));
    const { port } = await behind(authority.sign(["localhost"], { whole }));
    const failed = discover(port, {});
    await expect(failed).rejects.toMatchObject({ stage: "tls", code });
    await expect(failed).rejects.toThrow(
      /issued by "Corp Inspection CA", which this machine does not trust.*replaces its certificate.*--ca FILE/,
    );
    const gateway = parseGatewayUrl(`https://localhost:${port}`);
    const way = { gateway, network: networkWithEditor({ SSL_CERT_FILE: "/dev/null" }, undefined) };
    await expect(stack.tunnel("dev", undefined, way)).rejects.toThrow(/Corp Inspection CA/);
  });

  test("is taken once it is given, or once it is among the system's", async ({ skip }) => {
    skip(missing("nginx") !== undefined, missing("nginx"));
    const { port } = await behind(authority.sign(["localhost"]));
    await expect(discover(port, { SALLYPORT_CA: authority.file })).resolves.toBeDefined();
    // Retried with the system's, which SSL_CERT_FILE names here.
    await expect(discover(port, { SSL_CERT_FILE: authority.file })).resolves.toBeDefined();
  });

  test("does not vouch for another name", async ({ skip }) => {
    skip(missing("nginx") !== undefined, missing("nginx"));
    const { port } = await behind(authority.sign(["elsewhere.test"]));
    await expect(discover(port, { SALLYPORT_CA: authority.file })).rejects.toMatchObject({
      stage: "tls",
      code: "ERR_TLS_CERT_ALTNAME_INVALID",
    });
  });

  test("the one that is trusted stays trusted beside the extra one", async ({ skip }) => {
    skip(missing("nginx") !== undefined, missing("nginx"));
    const other = new Authority(programs.directory, "Other CA");
    const { port } = await behind(authority.sign(["localhost"]));
    await expect(
      discover(port, { SALLYPORT_CA: other.file, SSL_CERT_FILE: authority.file }),
    ).resolves.toBeDefined();
  });

  test("a file that is none is told before anything is dialled", async () => {
    const file = join(programs.directory, "empty.pem");
    writeFileSync(file, "nothing");
    await expect(discover(1, { SALLYPORT_CA: file })).rejects.toMatchObject({
      stage: "tls",
      code: "bad_pem",
    });
    await expect(discover(1, { SALLYPORT_CA: `${file}.none` })).rejects.toMatchObject({ code: "ENOENT" });
  });
});

describe("a server that asks for a client certificate", () => {
  test("gets the one that is configured", async ({ skip }) => {
    skip(missing("nginx") !== undefined, missing("nginx"));
    const { port } = await behind(authority.sign(["localhost"]), authority.file);
    const { cert, key } = authority.sign(["ada"]);
    const env = { SALLYPORT_CA: authority.file, SALLYPORT_CLIENT_CERT: cert };
    await expect(discover(port, { ...env, SALLYPORT_CLIENT_KEY: key })).resolves.toBeDefined();
    const both = join(programs.directory, "both.pem");
    writeFileSync(both, readFileSync(cert, "utf8") + readFileSync(key, "utf8"));
    await expect(discover(port, { ...env, SALLYPORT_CLIENT_CERT: both })).resolves.toBeDefined();
    await expect(discover(port, { SALLYPORT_CA: authority.file })).rejects.toMatchObject({
      code: "not_a_gateway",
    });
    await expect(discover(port, { SALLYPORT_CLIENT_KEY: key })).rejects.toMatchObject({
      code: "bad_client_cert",
    });
  });
});

describe("an environment in which certificates are not checked, as other extensions of an editor leave it,", () => {
  const before = process.env.NODE_TLS_REJECT_UNAUTHORIZED;
  beforeEach(() => {
    process.env.NODE_TLS_REJECT_UNAUTHORIZED = "0";
  });
  afterEach(() => {
    if (before === undefined) delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
    else process.env.NODE_TLS_REJECT_UNAUTHORIZED = before;
  });
  const noneOfTheSystems = { SSL_CERT_FILE: "/dev/null" };

  /** Answers every request with a proxy script. */
  async function impostor(): Promise<string> {
    const { cert, key } = authority.sign(["localhost"]);
    const server = createTlsServer({ cert: readFileSync(cert), key: readFileSync(key) }, (socket) => {
      socket.on("error", () => undefined);
      const script = 'function FindProxyForURL() { return "DIRECT"; }';
      socket.once("data", () =>
        socket.end(`HTTP/1.1 200 OK\r\nContent-Length: ${script.length}\r\n\r\n${script}`),
      );
    });
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, "localhost", resolve));
    const address = server.address();
    return `https://localhost:${typeof address === "object" && address !== null ? address.port : 0}`;
  }

  test("changes nothing for requests and tunnels, with network settings and without", async () => {
    const gateway = parseGatewayUrl(await impostor());
    const unverified = { stage: "tls", code: "UNABLE_TO_VERIFY_LEAF_SIGNATURE" };
    const network = networkWithEditor(noneOfTheSystems, undefined);
    await expect(gatewayApi(gateway, { network }).discovery()).rejects.toMatchObject(unverified);
    await expect(gatewayApi(gateway).discovery()).rejects.toMatchObject(unverified);
    await expect(stack.tunnel("dev", undefined, { gateway, network })).rejects.toMatchObject(unverified);
  });

  test("changes nothing for where a proxy script comes from", async () => {
    const source = `${await impostor()}/proxy.pac`;
    const { signal } = new AbortController();
    await expect(
      readPacSource(source, "a setting", networkWithEditor(noneOfTheSystems, undefined), signal),
    ).rejects.toThrow(/cannot be read: .*UNABLE_TO_VERIFY_LEAF_SIGNATURE/);
    const trusted = networkWithEditor({ SALLYPORT_CA: authority.file }, undefined);
    await expect(readPacSource(source, "a setting", trusted, signal)).resolves.toContain("DIRECT");
  });
});

test("a second connection of a process resumes the TLS session of the first", async () => {
  const { cert, key } = authority.sign(["localhost"]);
  const resumed: boolean[] = [];
  const server = createTlsServer({ cert: readFileSync(cert), key: readFileSync(key) }, (socket) => {
    resumed.push(socket.isSessionReused());
    socket.on("error", () => undefined);
    socket.once("data", () => {
      socket.end("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
    });
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "localhost", resolve));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const gateway: GatewayUrl = parseGatewayUrl(`https://localhost:${port}`);
  const network = networkWithEditor({ SALLYPORT_CA: authority.file }, undefined);
  for (let i = 0; i < 2; i++) {
    await gatewayApi(gateway, { network })
      .discovery()
      .catch(() => undefined);
  }
  expect(resumed).toEqual([false, true]);
});
