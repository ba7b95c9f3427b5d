// A gateway of two workers as a process of its own, hosts that echo instead of an SSH server, and companions.
// The gateway's log says which worker took what.

import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { vi } from "vitest";
import type { WebSocket } from "ws";
import { dialTunnel } from "../../../agent/client/tunnel/tunnel.ts";
import { type GatewayUrl, parseGatewayUrl, SUBPROTOCOL } from "../../../protocol/values/gateway-url.ts";
import { parseWorkspaceRef } from "../../../protocol/values/name.ts";
import { prepareGatewayData } from "../../support/host-state.ts";
import { type Gateway, startGateway } from "../../support/stack.ts";
import { startTestHost, type TestHost } from "../../support/test-host.ts";

/** One line of the gateway's log. */
export type Line = Readonly<Record<string, unknown>>;

interface HostOptions {
  /** Hosts with the same directory have the same identity. */
  readonly state?: string;
  /** null: without an account. */
  readonly token?: string | null;
  /** The URL at which it reaches the gateway, if that is not the gateway's own. */
  readonly gateway?: string;
  /** What it sends at once, as an SSH server sends its version. */
  readonly greeting?: string;
}

export class Workers {
  readonly gateway: Gateway;
  readonly directory: string;
  readonly url: GatewayUrl;
  readonly token: string;
  readonly #ends: (() => Promise<void> | void)[] = [];
  readonly #tunnels = new Set<WebSocket>();
  #hosts = 0;

  static async start(...args: string[]): Promise<Workers> {
    const directory = mkdtempSync(join(tmpdir(), "sallyport-workers-"));
    const gatewayArgs = ["--http", "127.0.0.1:0", "--workers", "2", ...args];
    await prepareGatewayData(join(directory, "gateway"));
    return new Workers(await startGateway({ directory, gatewayArgs }), directory);
  }

  private constructor(gateway: Gateway, directory: string) {
    this.gateway = gateway;
    this.directory = directory;
    this.url = parseGatewayUrl(gateway.url);
    this.token = readFileSync(gateway.tokenFile, "utf8").trim();
  }

  log(): Line[] {
    return logOf(this.directory);
  }

  /** Process ids of the workers that run now, by slot. */
  pids(): [number, number] {
    return pidsOf(this.directory);
  }

  async call(method: string, path: string, body?: unknown, token: string = this.token): Promise<Response> {
    return fetch(`${this.url}/api/v1/${path}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(20_000),
    });
  }

  /** Makes one request by a new connection, so that the next connection goes to the other worker. */
  async skipTurn(): Promise<void> {
    await (await fetch(`${this.url}/healthz`, { headers: { connection: "close" } })).text();
  }

  /** Settles once it has registered. */
  async host(name: string, options: HostOptions = {}): Promise<TestHost> {
    const state = options.state ?? join(this.directory, `host-${this.#hosts++}`);
    mkdirSync(state, { recursive: true, mode: 0o700 });
    return await startTestHost({
      gateway: options.gateway === undefined ? this.url : parseGatewayUrl(options.gateway),
      token: options.token === null ? undefined : (options.token ?? this.token),
      name,
      state,
      onStream(stream) {
        if (options.greeting !== undefined) stream.write(options.greeting);
        stream.pipe(stream);
      },
      owner: (stop) => this.#ends.push(stop),
    });
  }

  async tunnel(workspace: string, token: string | undefined = this.token): Promise<WebSocket> {
    const target = { gateway: this.url, workspace: parseWorkspaceRef(workspace), token };
    const socket = await dialTunnel(target, [SUBPROTOCOL.raw], AbortSignal.timeout(25_000));
    this.#tunnels.add(socket);
    return socket;
  }

  /** Which worker wrote the newest audit line of this kind about a workspace. */
  workerOf(event: string, workspace: string): number | undefined {
    return this.log().findLast((line) => line.audit === event && line.workspace === workspace)?.worker as
      | number
      | undefined;
  }

  /** Ends all tunnels, and settles once the gateway knows. */
  async endTunnels(): Promise<void> {
    for (const tunnel of this.#tunnels) tunnel.terminate();
    this.#tunnels.clear();
    await vi.waitUntil(() => this.count("tunnel.opened") === this.count("tunnel.closed"), {
      timeout: 20_000,
    });
  }

  count(audit: string): number {
    return this.log().filter((line) => line.audit === audit).length;
  }

  async close(): Promise<void> {
    for (const tunnel of this.#tunnels) tunnel.terminate();
    await Promise.all(this.#ends.map((end) => end()));
    await this.gateway.program.stop();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

export function logOf(directory: string): Line[] {
  const text = readFileSync(join(directory, "gateway.log"), "utf8");
  return text
    .slice(0, text.lastIndexOf("\n") + 1) // The last line may be half written.
    .split("\n")
    .flatMap((line) => (line.startsWith("{") ? [JSON.parse(line) as Line] : []));
}

function pidsOf(directory: string): [number, number] {
  const newest = (slot: number): number => {
    const line = logOf(directory).findLast((each) => each.msg === "A worker is ready." && each.slot === slot);
    return Number(line?.pid);
  };
  return [newest(0), newest(1)];
}

export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false; // ESRCH: no such process.
  }
}

/** For this machine's loopback address. @throws Error where there is no openssl */
export function makeCertificate(directory: string): { certFile: string; keyFile: string } {
  const [certFile, keyFile] = [join(directory, "cert.pem"), join(directory, "key.pem")];
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc", "-keyout", keyFile];
  const name = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"];
  execFileSync("openssl", ["req", "-x509", ...key, ...name, "-days", "2", "-out", certFile], {
    stdio: "ignore",
  });
  return { certFile, keyFile };
}
