// A gateway, a workspace behind it with an SSH server, somebody with a home and a key, and ways to break each of them.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer as createHttpServer, type Server as HttpServer, type IncomingMessage } from "node:http";
import { connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer as createTlsServer } from "node:tls";
import ssh2 from "ssh2";
import { type DiagnoseOptions, diagnose } from "../../../agent/client/diagnose/diagnose.ts";
import type { Report, StageId } from "../../../agent/client/diagnose/report.ts";
import { gatewayApi } from "../../../agent/client/gateway-api.ts";
import { loadIdentity } from "../../../agent/host/identity.ts";
import { type GatewayUrl, parseGatewayUrl } from "../../../protocol/values/gateway-url.ts";
import { parseWorkspaceRef } from "../../../protocol/values/name.ts";
import { parsePublicKey } from "../../../protocol/values/ssh-public-key.ts";
import { parseAccessToken } from "../../../protocol/values/token.ts";
import { CLI } from "../../../scripts/repository.ts";
import { TestStack } from "../../support/link.ts";
import { provedKey } from "../../support/ssh/register-key.ts";
import type { TestHost } from "../../support/test-host.ts";

export interface SshServerOptions {
  /** A private key, in OpenSSH's format. */
  readonly hostKey: string;
  /** Public keys that are let in. */
  readonly allowed: readonly string[];
  /** Printed by every command. */
  readonly noise?: string;
  readonly status?: number;
  readonly noForwarding?: boolean;
  /** A jump server: where `direct-tcpip` to port 22 leads. */
  readonly jumpTo?: number;
}

export class World {
  readonly stack: TestStack;
  readonly home: string;
  readonly temporary: string;
  readonly sshConfig: string;
  readonly key: string;
  readonly hostPrivateKey: string;
  token = "";
  readonly #servers: (Server | HttpServer | ssh2.Server)[] = [];
  readonly #sockets = new Set<Socket>();

  static async start(): Promise<World> {
    const stack = await TestStack.start();
    const home = mkdtempSync(join(tmpdir(), "sallyport-diagnose-"));
    const identity = await loadIdentity(join(home, "host-state"));
    const world = new World(stack, home, identity.privateKey);
    const account = await stack.account("ada");
    world.token = (await stack.token(account, ["account", "connect", "host"])).token;
    await provedKey(stack.gateway.store, account, parsePublicKey(world.publicKey(world.key)), "mine");
    return world;
  }

  private constructor(stack: TestStack, home: string, hostPrivateKey: string) {
    this.stack = stack;
    this.home = home;
    this.hostPrivateKey = hostPrivateKey;
    this.temporary = mkdtempSync(join(tmpdir(), "sallyport-diagnose-tmp-"));
    this.key = this.makeKey("id_mine");
    this.sshConfig = this.config(this.key);
  }

  api() {
    return gatewayApi(this.stack.url, { token: parseAccessToken(this.token) });
  }

  makeKey(name: string, passphrase = ""): string {
    const path = join(this.home, name);
    execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-C", name, "-N", passphrase, "-f", path]);
    return path;
  }

  publicKey(path: string): string {
    return readFileSync(`${path}.pub`, "utf8").trim();
  }

  /** A person's SSH configuration that offers one key. */
  config(key: string): string {
    const path = `${key}.config`;
    writeFileSync(path, `Host *\n  IdentityFile "${key}"\n  IdentitiesOnly yes\n  IdentityAgent none\n`);
    return path;
  }

  async sshServer(options: SshServerOptions): Promise<number> {
    const blobs = options.allowed.map((line) => parsePublicKey(line).blob);
    const server = new ssh2.Server({ hostKeys: [options.hostKey] }, (client) => {
      client.on("error", () => undefined);
      client.on("authentication", (context) => {
        const known = context.method === "publickey" && blobs.includes(context.key.data.toString("base64"));
        if (known) context.accept();
        else context.reject(["publickey"]);
      });
      client.on("session", (accept) => {
        accept().on("exec", (acceptExec) => {
          const channel = acceptExec();
          if (options.noise !== undefined) channel.write(options.noise);
          channel.exit(options.status ?? 0);
          channel.end();
        });
      });
      const { jumpTo } = options;
      if (jumpTo !== undefined) {
        client.on("tcpip", (accept, reject, { destPort }) => {
          if (destPort !== 22) return reject();
          const socket = this.track(connect(jumpTo, "127.0.0.1"));
          socket.once("connect", () => {
            const channel = accept();
            channel.on("error", () => undefined);
            socket.pipe(channel).pipe(socket);
          });
        });
      } else if (options.noForwarding !== true) client.on("tcpip", (_accept, reject) => reject());
    });
    return await this.#listen(server);
  }

  /** Registers `name` with the identity of this world's host; its streams go to a local port. */
  async host(name: string, sshPort: number): Promise<TestHost> {
    return await this.stack.host({
      token: this.token,
      name,
      state: join(this.home, "host-state"),
      onStream: (stream) => {
        const socket = this.track(connect(sshPort, "127.0.0.1"));
        stream.on("error", () => socket.destroy());
        stream.on("close", () => socket.destroy());
        socket.on("close", () => stream.destroy());
        stream.pipe(socket).pipe(stream);
      },
    });
  }

  /** The gateway behind another address, which publishes an SSH port. */
  async withSshPort(ssh: { host: string; port: number }, hostKeys: readonly string[]): Promise<GatewayUrl> {
    const target = new URL(this.stack.url);
    const server = createHttpServer((request, response) => {
      const headers = { ...request.headers, host: target.host };
      fetch(`${target.origin}${request.url}`, { headers: onlyText(headers) })
        .then(async (answer) => {
          const body: unknown = await answer.json();
          const edited = request.url?.startsWith("/.well-known/") === true;
          response.writeHead(answer.status, { "content-type": "application/json" });
          response.end(JSON.stringify(edited ? Object.assign({}, body, { ssh, hostKeys }) : body));
        })
        .catch(() => response.destroy());
    });
    server.on("upgrade", (request: IncomingMessage, socket: Socket) => {
      const upstream = this.track(connect(Number(target.port), target.hostname));
      const head = Object.entries(onlyText(request.headers)).map(([name, value]) => `${name}: ${value}\r\n`);
      upstream.write(`GET ${request.url} HTTP/1.1\r\n${head.join("")}\r\n`);
      this.track(socket).pipe(upstream).pipe(socket);
    });
    return parseGatewayUrl(`http://127.0.0.1:${await this.#listen(server)}`);
  }

  /** A listener that does what it is told with connections. */
  async listener(serve: (socket: Socket) => void): Promise<number> {
    return await this.#listen(createServer((socket) => serve(this.track(socket))));
  }

  /** Speaks TLS, but is not a gateway. */
  async tlsServer(key: string, cert: string): Promise<number> {
    const server = createTlsServer({ key: readFileSync(key), cert: readFileSync(cert) }, (socket) => {
      this.track(socket).on("data", () => socket.end("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"));
    });
    return await this.#listen(server);
  }

  options(workspace: string, extra: Partial<DiagnoseOptions> = {}): DiagnoseOptions {
    return {
      gateway: this.stack.url,
      workspace: parseWorkspaceRef(workspace),
      machine: {
        platform: "linux",
        home: this.home,
        env: {
          HOME: this.home,
          PATH: process.env.PATH,
          SHELL: "/bin/sh",
          SALLYPORT_KEYCHAIN: "off",
          // A companion may still write its status after the diagnosis: not into the home, whose files are compared.
          XDG_CACHE_HOME: join(this.temporary, "cache"),
        },
      },
      token: this.token,
      companion: [process.execPath, CLI, "tunnel"],
      configFile: this.sshConfig,
      signal: AbortSignal.timeout(60_000),
      ...extra,
    };
  }

  async diagnose(workspace: string, extra: Partial<DiagnoseOptions> = {}): Promise<Report> {
    return await diagnose(this.options(workspace, extra));
  }

  track(socket: Socket): Socket {
    this.#sockets.add(socket);
    socket.on("error", () => undefined);
    socket.on("close", () => this.#sockets.delete(socket));
    return socket;
  }

  async close(): Promise<void> {
    await this.stack.close();
    for (const socket of this.#sockets) socket.destroy();
    for (const server of this.#servers) server.close();
    rmSync(this.home, { recursive: true, force: true });
    rmSync(this.temporary, { recursive: true, force: true });
  }

  async #listen(server: Server | HttpServer | ssh2.Server): Promise<number> {
    this.#servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
    const address = server.address();
    return typeof address === "object" && address !== null ? address.port : 0;
  }
}

export function statuses(report: Report): Record<string, string> {
  return Object.fromEntries(report.stages.map(({ id, status }) => [id, status]));
}

export function stageOf(report: Report, id: StageId) {
  return report.stages.find((stage) => stage.id === id);
}

function onlyText(headers: IncomingMessage["headers"]): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).filter((entry): entry is [string, string] => typeof entry[1] === "string"),
  );
}
