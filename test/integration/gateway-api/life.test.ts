import { execFileSync, spawn } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync } from "node:fs";
import { get } from "node:https";
import { connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { connect as connectTls } from "node:tls";
import { expect, test } from "vitest";
import { command as gateway } from "../../../gateway/program/command.ts";
import { LONG } from "../../support/long.ts";
import { freePort } from "../../support/loopback.ts";
import { temporaryDirectory, testGateway } from "../../support/test-gateway.ts";
import { Authority } from "../networks/certificates.ts";

/** Runs the command in this process. `first` resolves with its first line on stdout. */
function command(...args: string[]) {
  const stop = new AbortController();
  const stdout = new PassThrough().setEncoding("utf8");
  const stderr = new PassThrough().setEncoding("utf8");
  let out = "";
  let err = "";
  stdout.on("data", (text: string) => {
    out += text;
  });
  stderr.on("data", (text: string) => {
    err += text;
  });
  const exit = gateway.run(args, { env: {}, stdin: process.stdin, stdout, stderr, signal: stop.signal });
  const ended = exit.then(
    () => undefined,
    () => undefined,
  );
  return {
    exit,
    stop: () => stop.abort(),
    first: async () => {
      while (!out.includes("\n")) {
        await Promise.race([once(stdout, "data"), ended]);
        if (out === "" && (await Promise.race([ended.then(() => true), Promise.resolve(false)]))) break;
      }
      return out.split("\n")[0] ?? "";
    },
    out: () => out,
    err: () => err,
  };
}

const serve = (dir: string, ...args: string[]) => command("--http", "127.0.0.1:0", "--data", dir, ...args);

test("the first start prints an administrator's token once, and a restart keeps everything", async () => {
  const dir = join(temporaryDirectory(), "data");
  // A port that no other program gets once the gateway is gone.
  const http = ["--http", `127.0.0.1:${await freePort()}`];
  const first = command(...http, "--data", dir, "--json", "--ssh", "127.0.0.1:0");
  const ready = JSON.parse(await first.first());
  expect(ready).toEqual({
    event: "ready",
    http: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
    ssh: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
    adminToken: expect.stringMatching(/^spt_/),
  });
  const ask = async (http: string, path: string) => {
    const headers = { authorization: `Bearer ${ready.adminToken}` };
    return JSON.parse(await (await fetch(`${http}${path}`, { headers })).text());
  };
  const me = await ask(ready.http, "/api/v1/me");
  const known = await ask(ready.http, "/.well-known/sallyport");
  first.stop();
  expect(await first.exit).toBe(0);
  await expect(fetch(`${ready.http}/healthz`)).rejects.toThrow();

  const second = serve(dir, "--json");
  const again = JSON.parse(await second.first());
  expect(again).toEqual({ event: "ready", http: expect.any(String), ssh: null });
  expect((await ask(again.http, "/api/v1/me")).account).toEqual(me.account);
  expect((await ask(again.http, "/.well-known/sallyport")).hostKeys).toEqual(known.hostKeys);
  second.stop();
  expect(await second.exit).toBe(0);
  expect(first.err() + second.err()).not.toMatch(/sp[tos]_[0-9A-Za-z]{10}/);
});

test("without --json, the address and the token are printed in a sentence", async () => {
  const gateway = serve(join(temporaryDirectory(), "data"));
  expect(await gateway.first()).toMatch(/^The gateway is ready at http:\/\/127\.0\.0\.1:\d+$/);
  gateway.stop();
  expect(await gateway.exit).toBe(0);
  expect(gateway.out()).toMatch(/Access token of the account admin, shown this once: spt_\w+\n/);
  // How to open the dashboard is no secret; a link would be one.
  expect(gateway.out()).toMatch(/run: sallyport gateway invite admin --sign-in --data \S+\n$/);
  expect(gateway.out()).not.toContain("spc_");
});

test("a first start that is to print no token makes none, but an administrator who can be given one", async () => {
  const dir = join(temporaryDirectory(), "data");
  const first = serve(dir, "--no-first-token", "--json");
  expect(JSON.parse(await first.first())).toEqual({ event: "ready", http: expect.any(String), ssh: null });
  const minted = command("admin-token", "--data", dir);
  expect(await minted.exit).toBe(0);
  const headers = { authorization: `Bearer ${(await minted.first()).trim()}` };
  const { http } = JSON.parse(await first.first());
  const tokens = await (await fetch(`${http}/api/v1/tokens`, { headers })).json();
  expect(tokens).toMatchObject([{ title: "admin-token" }]);
  first.stop();
  expect(await first.exit).toBe(0);
});

test("an administrator who has lost the token gets a new one from the data directory, even while the gateway runs", async () => {
  const { dataDir, call } = await testGateway();
  const minted = command("admin-token", "--data", dataDir);
  expect(await minted.exit).toBe(0);
  const token = (await minted.first()).trim();
  expect(await call("GET", "/accounts", token)).toMatchObject({ status: 200 });
  const json = command("admin-token", "--data", dataDir, "--json");
  expect(await json.exit).toBe(0);
  expect(JSON.parse(await json.first())).toEqual({
    account: "admin",
    adminToken: expect.stringMatching(/^spt_/),
  });

  const nowhere = temporaryDirectory();
  const refused = command("admin-token", "--data", nowhere);
  expect(await refused.exit).toBe(1);
  expect(refused.err()).toMatch(/^sallyport: file: There is no gateway's database in .*\n$/);
  expect(existsSync(join(nowhere, "gateway.db"))).toBe(false);
});

test("every failure to start is one line, and does not use up the first token", async () => {
  const blocker = createServer().listen(0, "127.0.0.1");
  await once(blocker, "listening");
  const address = blocker.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  const dir = join(temporaryDirectory(), "data");
  const taken = command("--http", `127.0.0.1:${address.port}`, "--data", dir, "--log-level", "error");
  expect(await taken.exit).toBe(1);
  expect(taken.err()).toBe(
    `sallyport: tcp: The gateway can't listen on 127.0.0.1:${address.port}: another program is using it.\n`,
  );
  blocker.close();

  const running = serve(dir, "--json");
  expect(JSON.parse(await running.first())).toHaveProperty("adminToken");
  const second = serve(dir, "--log-level", "error");
  expect(await second.exit).toBe(1);
  expect(second.err()).toMatch(/^sallyport: file: Another gateway is running on the data directory .*\n$/);
  running.stop();
  await running.exit;
});

test.skipIf(process.getuid?.() === 0)("a data directory that can't be read is one line", async () => {
  const dir = join(temporaryDirectory(), "data");
  mkdirSync(dir);
  chmodSync(dir, 0o000);
  const refused = serve(dir);
  expect(await refused.exit).toBe(1);
  expect(refused.err()).toMatch(/^sallyport: file: The data directory .*\n$/);
});

test("wrong usage is reported as that", async () => {
  await expect(command("--http", "nonsense").exit).rejects.toMatchObject({ name: "UsageError" });
  await expect(command("admin-token", "--open").exit).rejects.toMatchObject({ name: "UsageError" });
});

test("TLS is served with a certificate that can be renewed, and a key that does not fit is refused", async () => {
  const dir = temporaryDirectory();
  const certificate = (name: string) => {
    const [cert, key] = [join(dir, `${name}.pem`), join(dir, `${name}.key`)];
    const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2"];
    const to = ["-keyout", key, "-out", cert];
    execFileSync("openssl", ["req", "-x509", "-newkey", "rsa:2048", "-nodes", ...subject, ...to], {
      stdio: "ignore",
    });
    return { certFile: cert, keyFile: key };
  };
  const tls = certificate("first");
  const { gateway } = await testGateway({ tls });
  expect(gateway.httpUrl).toMatch(/^https:/);
  const served = (ca: Buffer) =>
    new Promise<number | undefined>((resolve, reject) => {
      get(`${gateway.httpUrl}/healthz`, { ca, agent: false }, (response) => {
        response.resume();
        resolve(response.statusCode);
      }).on("error", reject);
    });
  const former = readFileSync(tls.certFile);
  expect(await served(former)).toBe(200);
  certificate("first");
  await gateway.reloadTls();
  expect(await served(readFileSync(tls.certFile))).toBe(200);
  await expect(served(former)).rejects.toThrow();

  const other = certificate("other");
  const refused = serve(join(dir, "data"), "--tls-cert", tls.certFile, "--tls-key", other.keyFile);
  expect(await refused.exit).toBe(1);
  expect(refused.err()).toMatch(/^sallyport: tls: The key .* does not belong to the certificate .*\n$/);
});

test("a certificate that somebody else renews is served without a signal", LONG, async () => {
  const dir = temporaryDirectory();
  const authority = new Authority(dir, "Somebody else");
  const [cert, key] = [join(dir, "tls.crt"), join(dir, "tls.key")];
  const install = (): Buffer => {
    const signed = authority.sign(["localhost"]);
    renameSync(signed.cert, cert);
    renameSync(signed.key, key);
    return new X509Certificate(readFileSync(cert)).raw;
  };
  const former = install();
  const gateway = serve(join(dir, "data"), "--tls-cert", cert, "--tls-key", key, "--json");
  const { port } = new URL(JSON.parse(await gateway.first()).http);
  const served = () =>
    new Promise<Buffer>((resolve, reject) => {
      const socket = connectTls({ port: Number(port), rejectUnauthorized: false }, () => {
        resolve(socket.getPeerCertificate().raw);
        socket.destroy();
      }).on("error", reject);
    });
  expect((await served()).equals(former)).toBe(true);
  const renewed = install();
  await expect
    .poll(async () => (await served()).equals(renewed), { timeout: 60_000, interval: 200 })
    .toBe(true);
  gateway.stop();
  expect(await gateway.exit).toBe(0);
});

test("while hosts disconnect, /readyz and the API answer 503, running requests are answered, and streams end", async () => {
  const { gateway, send, raw, call, admin } = await testGateway();
  expect(await raw("GET", "/readyz")).toMatchObject({ status: 200, body: { status: "ok" } });
  const events = await send("GET", "/api/v1/events", admin);
  const { promise: held, resolve: finish } = Promise.withResolvers<void>();
  const { promise: arrived, resolve: arrive } = Promise.withResolvers<void>();
  const list = gateway.store.accounts.list.bind(gateway.store.accounts);
  gateway.store.accounts.list = async () => {
    arrive();
    await held;
    return list();
  };
  const running = call("GET", "/accounts", admin);
  await arrived;
  const host = await silentHost(gateway.httpUrl, admin);
  const started = performance.now();
  const closed = gateway.close();
  expect(await raw("GET", "/readyz")).toMatchObject({ status: 503, body: { code: "shutting_down" } });
  expect(await call("GET", "/me", admin)).toMatchObject({ status: 503, body: { code: "shutting_down" } });
  expect((await raw("GET", "/healthz")).status).toBe(200);
  expect(await events.text()).toContain("event: snapshot");
  await expect.poll(() => fetch(gateway.httpUrl).catch(() => "refused")).toBe("refused");
  finish();
  expect((await running).status).toBe(200);
  const answered = performance.now();
  await closed;
  // The client keeps its connection open for later requests. Stopping does not wait for it, which would take
  // 4 s.
  expect(performance.now() - answered).toBeLessThan(3_000);
  expect(performance.now() - started).toBeLessThan(10_000);
  host.destroy();
});

/** A control connection of a host that never sends anything, not even a close. */
async function silentHost(httpUrl: string, token: string): Promise<Socket> {
  const { hostname, port, host } = new URL(httpUrl);
  const socket = connect(Number(port), hostname);
  const headers = [
    "GET /link HTTP/1.1",
    `Host: ${host}`,
    `Authorization: Bearer ${token}`,
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: c2FsbHlwb3J0LXRlc3QhIQ==",
    "Sec-WebSocket-Protocol: sallyport.v1.control",
  ];
  socket.write(`${headers.join("\r\n")}\r\n\r\n`);
  const [answer] = await once(socket, "data");
  expect(String(answer)).toMatch(/^HTTP\/1\.1 101 /);
  socket.on("error", () => undefined).resume();
  return socket;
}

test("SIGTERM ends the process with 0, even if a client keeps its connection open", async () => {
  const dir = join(temporaryDirectory(), "data");
  const script = `
    const { command } = await import(${JSON.stringify(join(import.meta.dirname, "../../../gateway/program/command.ts"))});
    const stop = new AbortController();
    process.once("SIGTERM", () => stop.abort());
    const { env, stdout, stderr } = process;
    process.exitCode = await command.run(process.argv.slice(1), { env: {}, stdin: process.stdin, stdout, stderr, signal: stop.signal });
  `;
  const args = ["--http", "127.0.0.1:0", "--data", dir, "--json", "--log-level", "silent"];
  const child = spawn(process.execPath, ["--input-type=module", "-e", script, "--", ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = await once(child.stdout.setEncoding("utf8"), "data");
  const { http, adminToken } = JSON.parse(line);
  const events = await fetch(`${http}/api/v1/events`, { headers: { authorization: `Bearer ${adminToken}` } });
  child.kill("SIGTERM");
  const [code, signal] = await once(child, "exit");
  expect({ code, signal }).toEqual({ code: 0, signal: null });
  expect(await events.text()).toContain("snapshot");
});
